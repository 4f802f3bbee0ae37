"""Times `better-profanity` on each text of a JSON list from stdin; writes a JSON list of microseconds."""
# mypy: ignore-errors

import json
import sys
import time

from better_profanity import profanity

profanity.load_censor_words()
profanity.contains_profanity("once, so that all is loaded")
times = []
for text in json.load(sys.stdin):
    begun = time.perf_counter_ns()
    profanity.contains_profanity(text)
    times.append((time.perf_counter_ns() - begun) / 1e3)
json.dump(times, sys.stdout)
