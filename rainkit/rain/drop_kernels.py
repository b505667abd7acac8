"""The kernel that turns random words into the streaks of falling drops; compiled on first use, cached on disk.

Geometry is in doubles with + - * / and one square root, which IEEE 754 rounds the same way on every processor, and
without fused or reordered operations; diameters and speeds come from integer tables. No divisor can be 0, so divisions
are compiled without the check for it (`error_model`).

`numbers` of the functions are slope (1/mm), width of the octave and largest width (mrad), nearest distance (m),
exposure (s), moment (s), wind and turbulence (m/s), cosine and minus sine of the pitch, focal length, width and height
(px), half the loop's width, start and length of a lap (at distance 1), two factors of blur (px), gain, ceiling,
glitter, and two tapers (1/256).
"""

from __future__ import annotations

import numpy as np
from numba import njit

ONE = 256.0  # a pixel in streak vectors
LIMIT = 16384.0  # px; drops whose streak reaches farther are left out
DISC = 0.7853981633974483  # pi / 4, the share of its square that a disc fills


@njit(cache=True, error_model="numpy")
def _lap_offset(word, lap):  # type: ignore[no-untyped-def]
    """Return a number in [0, 1) that depends on a drop and its lap, 0 on the first lap (a multiply-xorshift hash)."""
    if lap == 0:
        return 0.0
    mixed = word + np.uint64(lap) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64(np.int64((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11))) * 2.0**-53


@njit(cache=True, error_model="numpy", inline="always")
def _bits(word, shift, count):  # type: ignore[no-untyped-def]
    """Return `count` bits of a word as int64."""
    return np.int64((word >> np.uint64(shift)) & np.uint64((1 << count) - 1))


@njit(cache=True, error_model="numpy", inline="always")
def _fixed(value):  # type: ignore[no-untyped-def]
    """Return the nearest integer, halves upward, as int32."""
    return np.int32(np.floor(value + 0.5))


@njit(cache=True, error_model="numpy", inline="always")
def _misses(start, stop, margin, size):  # type: ignore[no-untyped-def]
    """Return whether a streak with this margin lies outside 0..size - 1, or reaches farther than vectors do."""
    low, high = min(start, stop) - margin, max(start, stop) + margin
    return high < 0.0 or low > size - 1.0 or max(-low, high, 2.0 * margin) > LIMIT


@njit(cache=True, error_model="numpy", inline="always")
def _locate(first, second, rate, speed, numbers):  # type: ignore[no-untyped-def]
    """Return how far along its path a drop is, how far to the side, and the slant of its way, at distance 1."""
    moment, wind, gust = numbers[5:8]
    half_x, lap_start, lap_length = numbers[13:16]
    laps = np.float64(_bits(first, 40, 24)) * 2.0**-24 + moment * rate / lap_length
    lap = np.floor(laps)
    path = lap_start + (laps - lap) * lap_length
    jitter = np.float64(_bits(second, 0, 16) + _bits(second, 16, 16) - 65535) * 2.0**-16
    slant = (wind + gust * jitter) / speed
    # Sideways a drop runs on a loop wider than the picture; each lap enters it at another place.
    place = np.float64(_bits(second, 40, 24)) * 2.0**-24 + _lap_offset(second, np.int64(lap))
    place += slant * path / (2.0 * half_x)
    return path, (place - np.floor(place) - 0.5) * 2.0 * half_x, slant


@njit(cache=True, error_model="numpy")
def project_drops(words, tables, numbers, streaks):  # type: ignore[no-untyped-def]
    """Write the streaks of one octave of apparent widths and return how many there are.

    Parameters
    ----------
    words : uint64 array, N x 2
        Random bits, one row a drop.
    tables : tuple of three int64 arrays
        Diameter times slope (2^-16) and apparent width over that of the octave (2^-16), each by 16 random bits; fall
        speed in mm/s by the diameter in um.
    numbers, streaks : float64 array, int32 array N x len(STREAK_COLUMNS)
        See above; filled from the first row.
    """
    quantiles, roots, speeds = tables
    slope, narrow, wide, near, exposure = numbers[0:5]
    cosine, sine, focal, width, height = numbers[8:13]
    blur_near, blur_far, gain, ceiling, glitter, tail, head = numbers[16:23]
    middle_x, middle_y, count = 0.5 * (width - 1.0), 0.5 * (height - 1.0), 0
    for i in range(words.shape[0]):
        first, second = words[i, 0], words[i, 1]
        micron = np.int64(np.float64(quantiles[_bits(first, 0, 16)]) * (1000.0 / 65536.0) / slope + 0.5)
        angle = narrow * (np.float64(roots[_bits(first, 16, 16)]) * 2.0**-16)  # where the path crosses the horizon
        if micron < 100 or micron > 7000 or angle > wide:
            continue
        distance = np.float64(micron) / angle * 1e-3
        speed = np.float64(speeds[micron]) * 1e-3
        path, side, slant = _locate(first, second, speed / distance, speed, numbers)
        step = speed / distance * exposure
        scale0, scale1 = 1.0 + sine * path, 1.0 + sine * (path + step)
        depth = distance * scale0
        if min(depth, distance * scale1) < near:
            continue
        y0, y1 = focal * cosine * path / scale0 + middle_y, focal * cosine * (path + step) / scale1 + middle_y
        x0, x1 = focal * side / scale0 + middle_x, focal * (side + slant * step) / scale1 + middle_x
        size = focal * np.float64(micron) * 1e-6 / depth
        blur = 0.5 * np.abs(blur_near / depth - blur_far)
        margin = 0.5 * size + blur + 1.0
        if _misses(y0, y1, margin, height) or _misses(x0, x1, margin, width):
            continue
        length = np.sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0))
        # At each instant the drop hides its disc; the exposure spreads that over the streak.
        opacity = min(ceiling, gain * DISC * size / (length + size))
        spark = np.float64(_bits(first, 32, 8) + _bits(second, 32, 8) - 255) * (1.0 / 255.0)
        row = streaks[count]
        row[0], row[1], row[2], row[3] = _fixed(x0 * ONE), _fixed(y0 * ONE), _fixed(x1 * ONE), _fixed(y1 * ONE)
        row[4], row[5] = max(np.int32(1), _fixed(size * ONE)), _fixed(blur * ONE)
        row[6] = _fixed(min(1.0, opacity * (1.0 + glitter * spark)) * 65535.0)
        row[7], row[8], row[9], row[10] = np.int32(tail), np.int32(head), _fixed(depth * 1e3), np.int32(micron)
        count += 1
    return count
