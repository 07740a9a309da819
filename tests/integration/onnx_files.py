"""usage: onnx_files.py FOLDER [--table]. Every FOLDER/NAME.onnx through onnx.checker and onnxruntime, against FOLDER/NAME.y.npy within 1e-5 of its largest value."""
import glob
import os
import sys

import numpy
import onnx
import onnxruntime

folder = sys.argv[1]
passed = failed = 0
rows = []
for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
    name = os.path.basename(path)[:-5]
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        x, want = (numpy.load(os.path.join(folder, f"{name}.{part}.npy")) for part in "xy")
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (got,) = session.run(None, {session.get_inputs()[0].name: x})
        assert got.shape == want.shape, f"shape {got.shape}, want {want.shape}"
        largest = max(float(numpy.abs(want).max()), 1e-30)
        difference = float(numpy.abs(got.astype("float64") - want).max()) / largest
        assert difference <= 1e-5, f"differs by {difference:.2g} of the largest value"
        (one,) = session.run(None, {session.get_inputs()[0].name: x[:1]})
        assert one.shape == (1, *want.shape[1:]) and float(numpy.abs(one - want[:1]).max()) <= 1e-5 * largest, f"a batch of one differs: {one.shape}"
        names = [i.name for i in model.graph.initializer]
        assert any(not n.startswith("constant") for n in names), f"no parameter has its name: {names[:5]}"
        passed += 1
        rows.append((name, difference, os.path.getsize(path), len(model.graph.node)))
        print(f"ok      {name}: {len(model.graph.node)} nodes, largest difference {difference:.1e}, {os.path.getsize(path) / 1e6:.2f} MB")
    except Exception as error:  # the report names the case
        failed += 1
        print(f"FAILED  {name}: {str(error)[:2000]}")
if "--table" in sys.argv:
    print("| model | nodes | largest difference | file |\n| --- | --- | --- | --- |")
    for name, difference, size, nodes in (row for row in rows if not row[0].startswith("operation_")):
        print(f"| {name} | {nodes} | {difference:.1e} | {size / 1e6:.2f} MB |")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
