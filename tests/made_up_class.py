"""A made-up class for the gradebook tests, and an executor that needs no worker."""

import io
import json
import tarfile
import zipfile

from checkers.engine.gradebook.jobs import Job, JobResult
from checkers.engine.registry import find_lesson
from checkers.engine.report import CaseResult, Report, Status

RIGHT = """
import torch
def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
"""
STUB = "def forward(im, t, alphas_cumprod, noise=None):\n    raise NotImplementedError\n"
NOTEBOOK = "01_forward_noising.ipynb"


def body(line):
    return f"import os, torch\ndef forward(im, t, alphas_cumprod, noise=None):\n    {line}\n"


def notebook(*sources):
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources
    ]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


def write(folder, files):
    """Write {relative path: text or bytes} below `folder`; returns it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of {name: text or bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files, mode="w:gz"):
    """The bytes of a tar of {name: text or bytes}; `mode` says how it is compressed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def pretend(jobs):
    """An executor that believes a comment: "# share 0.5" passes the first half of all cases."""
    for key, text in jobs:
        job = Job.model_validate_json(text)
        source = "\n".join(source for _, source in job.cells)
        share = float(source.split("# share ")[1].split()[0])
        reports = []
        for exercise in find_lesson(job.lesson).exercises:
            cases = []
            for number, case in enumerate(exercise.cases):
                passed = number < share * len(exercise.cases)
                cases.append(
                    CaseResult(
                        title=case.title,
                        status=Status.PASSED if passed else Status.WRONG,
                        points=case.points if passed else 0,
                        max_points=case.points,
                        message="" if passed else "It is <wrong>.",
                    )
                )
            reports.append(Report(exercise=exercise.name, lesson=job.lesson, cases=cases))
        cards = ["<h3>card</h3>"] * len(reports)
        yield key, JobResult(isolation="process", reports=reports, cards=cards).model_dump_json()


def answer(share):
    """A notebook that `pretend` gives this share of all cases."""
    return notebook(f"{STUB}# share {share} ")
