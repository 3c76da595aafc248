#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer of bench/infer: infer.py ENGINE THREADS, ENGINE one of onnxruntime, openvino, openvino_throughput, opencv.

Requests are JSON lines on stdin, each answered by one on stdout:
  {"do": "load", "id", "model", "input", "shape", "outputs", "precision"}  {"ok": true}
      input: a file of floats; outputs: their names, in the order in which `outputs` gives them
  {"do": "outputs", "id", "file"}   {"ok": true}      one inference, its outputs into the file as floats
  {"do": "run", "id", "n"}          {"seconds": 1.5}  n inferences in each thread; nothing but them is timed
Or {"error": "why"}. Each thread has a network and an input of its own.
"""
import json
import os
import sys
import threading
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"


class OnnxRuntime:
    """One session a thread, each with one thread of its own: the caller's."""

    precisions = ("f32",)

    def __init__(self):
        import onnxruntime
        self.library = onnxruntime
        self.version = onnxruntime.__version__

    def load(self, model, shape, precision, names):
        options = self.library.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # it warns of each result whose batch its file did not foresee
        options.execution_mode = self.library.ExecutionMode.ORT_SEQUENTIAL
        session = self.library.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        key = session.get_inputs()[0].name
        return lambda x: session.run(names, {key: x})


class OpenVino:
    """Compiled for one thread; its hint as the user may give it."""

    precisions = ("f32", "bf16")
    hint = "LATENCY"

    def __init__(self):
        import openvino
        self.core = openvino.Core()
        self.version = openvino.__version__

    def compile(self, model, shape, precision, threads):
        network = self.core.read_model(model)
        network.reshape(shape)
        return self.core.compile_model(network, "CPU", {
            "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": self.hint, "INFERENCE_NUM_THREADS": threads})

    @staticmethod
    def ports(compiled, names):
        return [next(port for port in compiled.outputs if name in port.get_names()) for name in names]

    def load(self, model, shape, precision, names):
        compiled = self.compile(model, shape, precision, 1)
        request = compiled.create_infer_request()
        ports = self.ports(compiled, names)

        def infer(x):
            request.infer({0: x}, share_inputs=True)
            return [request.get_tensor(port).data for port in ports]
        return infer


class OpenVinoThroughput(OpenVino):
    """As many requests in flight as it says are best for these threads, which are its own."""

    hint = "THROUGHPUT"

    def load_queue(self, model, x, precision, names, threads):
        from openvino import AsyncInferQueue
        compiled = self.compile(model, list(x.shape), precision, threads)
        queue = AsyncInferQueue(compiled, max(threads, compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")))
        for request in queue:
            request.set_tensor(compiled.inputs[0], self.tensor(x))
        ports = self.ports(compiled, names)

        def run(n):
            for _ in range(n):
                queue.start_async()
            queue.wait_all()

        def outputs():
            run(1)
            return [queue[0].get_tensor(port).data for port in ports]
        return run, outputs

    @staticmethod
    def tensor(x):
        from openvino import Tensor
        return Tensor(x.copy())


class OpenCv:
    precisions = ("f32",)

    def __init__(self):
        import cv2
        self.library = cv2
        self.version = cv2.__version__
        cv2.setNumThreads(1)

    def load(self, model, shape, precision, names):
        network = self.library.dnn.readNetFromONNX(model)

        def infer(x):
            network.setInput(x)
            return network.forward(names)
        return infer


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "openvino_throughput": OpenVinoThroughput,
           "opencv": OpenCv}


class Job:
    """One network and input, ready to be run n times by every thread."""

    def __init__(self, engine, request, threads):
        if request["precision"] not in engine.precisions:
            raise ValueError(f"it has no {request['precision']}")
        x = numpy.fromfile(request["input"], numpy.float32).reshape(request["shape"])
        arguments = request["model"], request["shape"], request["precision"], request["outputs"]
        self.threads = threads
        self.queue = None
        if hasattr(engine, "load_queue"):
            self.queue, self.outputs = engine.load_queue(
                request["model"], x, request["precision"], request["outputs"], threads)
            return
        self.networks = [engine.load(*arguments) for _ in range(threads)]
        self.inputs = [x.copy() for _ in range(threads)]
        self.outputs = lambda: self.networks[0](self.inputs[0])

    def repeat(self, i, n):
        network, x = self.networks[i], self.inputs[i]
        for _ in range(n):
            network(x)

    def run(self, n):
        """Seconds."""
        if self.queue:
            begin = time.perf_counter()
            self.queue(n * self.threads)
            return time.perf_counter() - begin
        others = [threading.Thread(target=self.repeat, args=(i, n)) for i in range(self.threads)]
        begin = time.perf_counter()
        if len(others) == 1:
            self.repeat(0, n)
            return time.perf_counter() - begin
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
        return time.perf_counter() - begin


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ENGINES:
        sys.exit(__doc__)
    threads = int(sys.argv[2])
    # Libraries that print do it on stderr: answers are alone on stdout.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields):
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    try:
        global numpy
        import numpy
        engine = ENGINES[sys.argv[1]]()
    except ImportError as error:
        answer(error=f"{error} in {sys.executable}")
        sys.exit(1)
    answer(ok=True, version=engine.version)
    jobs = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "load":
                jobs[request["id"]] = Job(engine, request, threads)
                answer(ok=True)
            elif request["do"] == "outputs":
                made = jobs[request["id"]].outputs()
                numpy.concatenate([numpy.asarray(y, numpy.float32).ravel() for y in made]).tofile(request["file"])
                answer(ok=True)
            else:
                answer(seconds=jobs[request["id"]].run(request["n"]))
        except Exception as error:  # whatever a library may throw is an answer
            answer(error=" ".join(str(error).split())[:300])


main()
