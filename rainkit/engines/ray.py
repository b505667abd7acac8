"""Tasks on a Ray cluster, or on this machine through Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar, Literal

from pydantic import Field

from rainkit.engines.processes import THREAD_VARIABLES
from rainkit.errors import BuildError
from rainkit.records import Component


def _run(function: Callable[[Any], Any], index: int, task: Any) -> tuple[int, Any]:
    from rainkit.images import use_threads  # noqa: PLC0415 - in the worker, after its settings

    use_threads(1)
    return index, function(task)


class Ray(Component):
    """Runs tasks on a Ray cluster; input and output folders must be the same files on every machine of it.

    Ray repeats a task whose worker died; the bytes are the same, and a shard appears whole or not at all.
    """

    requires: ClassVar[str | None] = "ray"

    kind: Literal["ray"] = Field("ray", description="Name of the engine.")
    address: str | None = Field(
        None,
        description="Cluster to join, such as `auto`; without it, RAY_ADDRESS, or this machine alone.",
    )
    workers: int | None = Field(
        None, ge=1, description="Tasks at a time; without it, one per processor of the cluster."
    )

    def __call__(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield (index, function(task)) as results arrive; `tasks` is read as workers become free.

        Raises
        ------
        BuildError
            If Ray is not installed, or a worker died again and again. An error in a task comes back as itself.
        """
        try:
            import ray  # noqa: PLC0415 - an extra
        except ImportError:
            raise BuildError("the engine `ray` is an extra: pip install 'rainkit[ray]'") from None
        started = not ray.is_initialized()
        if started:
            ray.init(address=self.address, include_dashboard=False, log_to_driver=False, logging_level="error")
        try:
            yield from self._collect(ray, function, tasks)
        finally:
            if started:
                ray.shutdown()

    def _collect(self, ray: Any, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        settings = {"env_vars": dict.fromkeys(THREAD_VARIABLES, "1")}
        run = ray.remote(num_cpus=1, runtime_env=settings)(_run)
        shared = ray.put(function)
        queue = enumerate(tasks)
        limit = self.workers or int(ray.cluster_resources().get("CPU", 1))
        pending = [run.remote(shared, index, task) for index, task in islice(queue, limit)]
        try:
            while pending:
                (ready, *_), pending = ray.wait(pending, num_returns=1)
                index, result = ray.get(ready)
                pending += [run.remote(shared, *following) for following in islice(queue, 1)]
                yield index, result
        except ray.exceptions.RayTaskError as error:
            raise (error.cause or error) from None
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            raise BuildError(
                f"a Ray worker died: {error}; most likely the memory ran out: use fewer --workers"
            ) from error
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)
