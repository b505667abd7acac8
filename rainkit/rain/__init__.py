"""Rain: simulators, composition, labels, presets."""
