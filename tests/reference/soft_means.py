"""Soft k-means by loops."""

import math


def soft_means(own, counts, points, log_likelihood, weight, rounds):
    """Lists in, lists out; ``log_likelihood`` maps prototypes to a row of C numbers for each point."""
    moved = [list(row) for row in own]
    for _ in range(rounds):
        said = log_likelihood(moved)
        pulls = []
        for row in said:
            largest = max(row)
            powers = [math.exp(4 * (x - largest)) for x in row]
            pulls.append([math.exp(largest) * power / sum(powers) for power in powers])
        new = []
        for c, count in enumerate(counts):
            if not count:
                new.append(list(own[c]))
                continue
            total = sum(pull[c] for pull in pulls)
            scale = min(1.0, weight * count / total) if total else 0.0
            held = count + scale * total
            pairs = list(zip((scale * pull[c] for pull in pulls), points, strict=True))
            new.append([(count * x + sum(p * y[d] for p, y in pairs)) / held for d, x in enumerate(own[c])])
        moved = new
    return moved
