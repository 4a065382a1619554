"""Train, predict and explain with the system's libxgboost through its C API.

    forest_libxgboost.py FOLDER

FOLDER has job.json, x.npy, y.npy and rows.npy; it gets model.json, model.ubj, margins.npy and
contributions.npy. Exit status 77: there is no such library."""

import ctypes
import json
import pathlib
import sys

import numpy as np


class Library:
    def __init__(self, name="libxgboost.so.0"):
        self.c = ctypes.CDLL(name)
        self.c.XGBGetLastError.restype = ctypes.c_char_p

    def call(self, function, *arguments):
        if getattr(self.c, function)(*arguments) != 0:
            raise RuntimeError(self.c.XGBGetLastError().decode())

    def matrix(self, x, y=None, types=None):
        x = np.ascontiguousarray(x, np.float32)
        handle = ctypes.c_void_p()
        rows, width = (ctypes.c_uint64(n) for n in x.shape)
        missing = ctypes.c_float(np.nan)
        self.call("XGDMatrixCreateFromMat", pointer(x), rows, width, missing, ctypes.byref(handle))
        if y is not None:
            y = np.ascontiguousarray(y, np.float32)
            count = ctypes.c_uint64(len(y))
            self.call("XGDMatrixSetFloatInfo", handle, b"label", pointer(y), count)
        if types:
            array = (ctypes.c_char_p * len(types))(*[t.encode() for t in types])
            count = ctypes.c_uint64(len(types))
            self.call("XGDMatrixSetStrFeatureInfo", handle, b"feature_type", array, count)
        return handle

    def train(self, data, params, rounds):
        booster = ctypes.c_void_p()
        known = (ctypes.c_void_p * 1)(data)
        self.call("XGBoosterCreate", known, ctypes.c_uint64(1), ctypes.byref(booster))
        for name, value in params.items():
            self.call("XGBoosterSetParam", booster, name.encode(), str(value).encode())
        for i in range(rounds):
            self.call("XGBoosterUpdateOneIter", booster, i, data)
        return booster

    def predict(self, booster, data, kind):
        shape = ctypes.POINTER(ctypes.c_uint64)()
        dimensions = ctypes.c_uint64()
        out = ctypes.POINTER(ctypes.c_float)()
        config = {"type": kind, "training": False, "iteration_begin": 0, "iteration_end": 0}
        config = json.dumps({**config, "strict_shape": True}).encode()
        results = (ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(out))
        self.call("XGBoosterPredictFromDMatrix", booster, data, config, *results)
        sizes = [shape[i] for i in range(dimensions.value)]
        return np.ctypeslib.as_array(out, sizes).copy().reshape(sizes[0], -1)


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    try:
        library = Library()
    except OSError as error:
        print(f"no libxgboost: {error}", file=sys.stderr)
        return 77
    x, y, rows = (np.load(folder / f"{name}.npy") for name in ("x", "y", "rows"))
    booster = library.train(library.matrix(x, y, job["types"]), job["params"], job["rounds"])
    for name in ("model.json", "model.ubj"):
        library.call("XGBoosterSaveModel", booster, str(folder / name).encode())
    every = library.matrix(rows, None, job["types"])
    some = library.matrix(rows[: job["explained"]], None, job["types"])
    np.save(folder / "margins.npy", library.predict(booster, every, 1))
    np.save(folder / "contributions.npy", library.predict(booster, some, 2))
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
