"""What a terminal does to workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import multiprocessing.context, os, signal, sys, threading, time
from ncenet.engines.workers import run_in_workers
from tests.engines.test_workers import nap

signal.signal(signal.SIGINT, signal.default_int_handler)
start = multiprocessing.context.SpawnProcess.start

def start_aloud(process):
    start(process)
    print("started", flush=True)

def work():
    for name, outcome in run_in_workers(nap, {"job": 30}, processes=1, threads=1, forward=print):
        print(name, outcome, flush=True)

multiprocessing.context.SpawnProcess.start = start_aloud
try:
    threading.Thread(target=work, daemon=True).start()
    while True:  # one long sleep might begin just after the signal was noted, and sleep on
        time.sleep(0.05)
except KeyboardInterrupt:
    time.sleep(3)  # a worker that took it as well has the time to say so
    os._exit(0)  # without the farewell that ends workers and has `work` tell of it
"""


def nap(seconds, notify):
    time.sleep(seconds)


@pytest.mark.skipif(sys.platform == "win32", reason="sends what a terminal sends")
def test_an_interrupt_while_a_worker_begins_is_for_the_parent_alone():
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout.readline() == "started\n"
        os.killpg(parent.pid, signal.SIGINT)
        out, err = parent.communicate(timeout=60)
    assert (parent.returncode, out, err) == (0, "", "")
