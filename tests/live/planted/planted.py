"""Plants mistakes and looks whether ember diff names them. usage: planted.py EMBER PLANTED FOLDER [all]

Each row: net, optimiser, mistake, what the headline must be, and words that the explanation must have. By default a mistake of PyTorch's is
held against Ember's right run; "all" holds every mistake on both sides against the right run of both, and "long" right runs of 1,000 steps against
each other, also of one side with another instruction set (each some minutes, and some gigabytes in FOLDER).
"""
import os
import pathlib
import re
import subprocess
import sys

ROWS = """
cnn adam adamw            | conv1 .*, step 1: update of weight | AdamW(lr=0.001, weight_decay=0.01)
cnn adam beta2            | conv1 .*, step 2: update of weight | beta2=0.99
cnn adam beta1            | conv1 .*, step 2: update of weight | beta1=0.8
cnn adam adam_eps         | conv1 .*, step 1: update of weight | eps=1e-06
cnn adam decay            | (conv1|conv2|fc1) .*, step 1: update of weight | Adam(lr=0.001, weight_decay=0.0001)
cnn adam decay_one_bias   | fc2 .*, step 2: update of bias | in 1 of 12 parameters: fc2.bias
cnn adam amsgrad          | (conv1|conv2) .*, step 2: update of weight | amsgrad=True
cnn adam lr               | conv1 .*, step 1: update of weight | Adam(lr=0.00102)
cnn adam left_out         | fc2 .*, step 1: update of bias | They never move in
cnn adam rate_of_head     | fc2 .*, step 1: update of weight | Adam(lr=0.0002)
cnn sgd decay             | conv1 .*, step 1: update of weight | SGD(lr=0.05, momentum=0.9, weight_decay=0.0001)
cnn sgd decay_one_bias    | fc2 .*, step 1: update of bias | weight_decay=0.0001
cnn sgd momentum          | conv1 .*, step 2: update of weight | momentum=0.85
cnn sgd nesterov          | conv1 .*, step 1: update of weight | nesterov=True
cnn sgd dampening         | conv1 .*, step 2: update of weight | dampening=0.1
cnn sgd lr                | conv1 .*, step 1: update of weight | SGD(lr=0.051
cnn sgd schedule          | conv1 .*, step 4: update of weight | lr=0.05, 0.05, 0.05, 0.005
cnn sgd clip              | conv1 .*, step 1: update of weight | clipped to a norm of 1
cnn sgd clip_value        | conv1 .*, step 1: update of weight | elements are clipped to 0.02
cnn sgd rate_of_head      | fc2 .*, step 1: update of weight | SGD(lr=0.02
cnn sgd left_out          | fc2 .*, step 1: update of bias | They never move in
cnn sgd skipped_update    | conv1 .*, step 3: update of weight | step() of the optimiser was left out
cnn plain decay           | conv1 .*, step 1: update of weight | weight_decay=0.0001
cnn rmsprop alpha         | conv1 .*, step 1: update of weight | alpha=0.9
cnn rmsprop centered      | conv1 .*, step 1: update of weight | centered=True
cnn sgd seed              | conv1 .*, step 0: parameter weight | another seed
cnn sgd no_bias           | conv2 .*, step 0: parameter bias | random numbers are drawn after it
cnn sgd init_layer        | fc1 .*, step 0: parameter weight | B's are 1.2 times A's
cnn sgd init_bias         | conv2 .*, step 0: parameter bias | all zero
cnn sgd init_transposed   | conv2 .*, step 0: parameter weight | transposed
cnn sgd init_two          | conv1 .*, step 0: parameter weight | fc2.bias
cnn sgd init_tiny         | fc2 .*, step 0: parameter weight | B's are 1.0001 times A's
cnn sgd dilation          | conv1 .*, step 0: output | dilation=(2, 2)
cnn sgd bn_eps            | norm1 .*, step 0: output | eps=0.001
cnn sgd bn_eps_small      | norm1 .*, step 0: (output|built differently) | eps=1e-06
cnn sgd bn_momentum       | norm2 .*, step 0: buffer running_mean | momentum=0.01
cnn sgd slope             | act1 .*, step 0: output | negative_slope=0.02
cnn sgd no_act            | conv2 .*, step 0: input | after norm1
cnn sgd avg_pool          | (pool|average) .*, step 0: output | AvgPool2d
cnn sgd dropout           | drop .*, step 0: output | p=0.25
cnn sgd gelu              | act3 .*, step 0: output | approximate='tanh'
cnn sgd extra_relu        | .root. .*, step 0: output | what its forward does besides them
cnn sgd double_softmax    | .root. .*, step 0: output | what its forward does besides them
cnn sgd scaled_output     | .root. .*, step 0: output | what its forward does besides them
cnn sgd detach            | act1 .*, step 0: gradient of its output | cut off by a detach()
cnn sgd scaled_shortcut   | act2 .*, step 0: input | between norm2 and act2
cnn sgd no_shortcut       | act2 .*, step 0: input | between norm2 and act2
cnn sgd frozen            | conv2 .*, step 0: gradient of weight | conv2.weight is trained only in
cnn sgd frozen_bias       | fc1 .*, step 0: gradient of bias | fc1.bias is trained only in
cnn sgd smoothing         | fc2 .*, step 0: gradient of its output | label smoothing: 0.00 against 0.10
cnn sgd sum               | fc2 .*, step 0: gradient of its output | sums, over 16 samples
cnn sgd class_weight      | fc2 .*, step 0: gradient of its output | weighted differently
cnn sgd l2_loss           | fc2 .*, step 0: gradient of bias | the square of the weights times 5e-05 or the square of the weights times -5e-05
cnn sgd l1_loss           | fc2 .*, step 0: gradient of bias | absolute values
cnn sgd score_loss        | fc2 .*, step 0: gradient of its output | the square of its outputs
cnn sgd half_loss         | fc2 .*, step 0: gradient of its output | 0.5 times A's
cnn sgd permuted          | .root. .*, step 2: input | the same in another order
cnn sgd shuffled_labels   | fc2 .*, step 0: gradient of its output | the labels, which differ in
cnn sgd one_label         | fc2 .*, step 1: gradient of its output | differ in 1 of 16 samples: 3
cnn sgd affine            | .root. .*, step 0: input | scaled differently
cnn sgd mirrored          | .root. .*, step 0: input | mirrored along dimension 3
cnn sgd one_pixel         | .root. .*, step 1: input | 1 of 16 samples
cnn sgd next_batch        | .root. .*, step 2: input | the batch that or has this batch in step 3
cnn sgd batch_size        | .root. .*, step 0: input | 20 samples in or 20 in
cnn sgd eval_mode         | norm1 .*, step 2: output | in evaluation mode
cnn sgd zero_grad         | fc2 .*, step 1: gradient of bias | zero_grad() is missing
cnn sgd validation        | no divergence | training steps are paired with training steps
cnn sgd padding_mode      | conv2 .*, step 0: output | padding_mode=reflect
cnn sgd bn_momentum_read  | norm2 .*, step 0: buffer running_mean | momentum=0.9
cnn sgd no_track          | norm2 .*, step 0: buffer running_mean | track_running_stats=False
cnn sgd drawn             | drop .*, step 0: output | something else has drawn random numbers before
cnn sgd same_norm         | norm2 .*, step 0: parameter weight | norm1 (BatchNorm2d) once more
cnn sgd act_first         | act2 .*, step 0: input | between norm2 and act2
cnn sgd flat_nhwc         | drop .*, step 0: input | between pool and drop
cnn sgd drop_late         | (drop|fc1) .*, step 0: input | The order of calls differs
cnn sgd bias_unused       | fc1 .*, step 0: parameter weight | its forward goes around it
cnn sgd maximize          | conv1 .*, step 1: update of weight | maximize=True
cnn sgd decay_biases      | fc1 .*, step 1: update of bias | in 2 of 12 parameters: fc1.bias, fc2.bias
cnn sgd decay_matrices    | conv1 .*, step 1: update of weight | in 4 of 12 parameters: conv1.weight, conv2.weight, fc1.weight, fc2.weight
cnn adam decay_biases     | fc1 .*, step 2: update of bias | Adam(lr=0.001, weight_decay=0.0001)
cnn sgd squares           | fc2 .*, step 0: gradient of its output | the loss differs
cnn sgd per_batch         | conv1 .*, step 1: update of weight | lr=0.045, 0.0405, 0.0364
cnn sgd warm_up           | conv1 .*, step 1: update of weight | lr=0.01, 0.02, 0.03
cnn sgd new_optimizer     | conv1 .*, step 4: update of weight | forgot its moments before training step 3
cnn adam new_optimizer    | conv1 .*, step 4: update of weight | forgot its moments before training step 3
cnn sgd two_steps         | conv1 .*, step 2: update of weight | step() called twice in training step 1
cnn sgd twice             | conv1 .*, step 1: update of weight | step() called twice in every step
cnn sgd double            | no divergence | float64
cnn sgd eval_always       | norm1 .*, step 0: output | in evaluation mode
cnn sgd last_batch        | .root. .*, step 4: input | 12 samples in or 12 in
cnn sgd turned            | .root. .*, step 0: input | Dimensions 2 and 3 of the data are exchanged
cnn sgd nan               | .root. .*, step 2: input | 1 of 1024 numbers are NaN
cnn sgd per_batch_norm    | .root. .*, step 0: input | scaled differently
cnn sgd off_by_one        | fc2 .*, step 0: gradient of its output | the labels, which differ in 16 of 16
cnn sgd every_second      | conv1 .*, step 1: update of weight | step() of the optimiser was left out
cnn sgd lost_gradient     | conv2 .*, step 1: update of weight | They never move in
mlp adam decay            | fc[12] .*, step 1: update of weight | weight_decay=0.0001
mlp adam adamw            | fc1 .*, step 1: update of weight | AdamW(lr=0.001, weight_decay=0.01)
mlp sgd decay             | fc1 .*, step 1: update of weight | weight_decay=0.0001
mlp sgd l2_loss           | fc3 .*, step 0: gradient of bias | the square of the weights
residual adam adamw       | stem .*, step 1: update of weight | AdamW(lr=0.001, weight_decay=0.01)
residual sgd decay        | stem .*, step 1: update of weight | weight_decay=0.0001
"""
# Shown from A's side; with the right run as B the same words hold, or those behind "or", but for these, whose headline differs.
ONE_WAY = {"init_layer", "init_tiny", "half_loss", "smoothing"}

ember, planted, folder, whole = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), "all" in sys.argv[4:]
long = "long" in sys.argv[4:]
os.chdir(folder)
passed = failed = 0


def record(side, runs, environment={}):
    """runs: (file, net, optimiser, steps, mistake)"""
    for file in {pathlib.Path(run[0]).parent for run in runs}:
        file.mkdir(exist_ok=True)
    lines = [" ".join(map(str, run)).strip() for run in runs]
    if side == "p":
        net = pathlib.Path(__file__).with_name("net.py")
        subprocess.run([sys.executable, net], input="\n".join(lines), text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment)
    else:
        for line in lines:
            subprocess.run([planted, *line.split()], check=True, env=os.environ | environment)


def judge(a, b, status, headline, words):
    global passed, failed
    run = subprocess.run([ember, "diff", a, b], capture_output=True, text=True)
    found = re.search(f"^(first divergence: )?{headline}", run.stdout, re.M) and any(word in run.stdout for word in words.split(" or "))
    if run.returncode == status and found:
        passed += 1
        return
    failed += 1
    print(f"FAILED  {a} {b}: exit {run.returncode}\n{run.stdout[:1500]}{run.stderr}")


rows = [] if long else [[part.strip() for part in row.split(" | ")] for row in ROWS.strip().splitlines()]
sides = "ep" if whole else "e"
nets = sorted({tuple(row[0].split()[:2]) for row in rows})
for side in "ep":
    right = [(f"{side}/{net}-{optimiser}.npz", net, optimiser, 6, "") for net, optimiser in nets]
    wrong = [(f"{side}/{'-'.join(row[0].split())}.npz", *row[0].split()[:2], 6, row[0].split()[2]) for row in rows]
    record(side, right + (wrong if whole or side == "p" else []))
for net, optimiser in nets:
    judge(f"e/{net}-{optimiser}.npz", f"p/{net}-{optimiser}.npz", 0, "no divergence", "drift apart as rounding does")
for run, headline, words in rows:
    net, optimiser, mistake = run.split()
    for a in sides:
        for b in "ep" if whole else "p":
            right, wrong = f"{a}/{net}-{optimiser}.npz", f"{b}/{net}-{optimiser}-{mistake}.npz"
            judge(right, wrong, 0 if headline == "no divergence" else 1, headline, words)
            if whole and mistake not in ONE_WAY:
                judge(wrong, right, 0 if headline == "no divergence" else 1, headline, words)
# The same program, with sums in another order.
OTHERWISE = {"e": {"EMBER_ISA": "v2"}, "p": {"ATEN_CPU_CAPABILITY": "default"}}
for net in ["mlp", "residual", "cnn"] if long else []:
    for optimiser in ["sgd", "plain", "adam", "rmsprop"]:
        for side in "ep":
            record(side, [(f"{side}/long.npz", net, optimiser, 1000, "")])
            record(side, [(f"{side}/otherwise.npz", net, optimiser, 1000, "")], OTHERWISE[side])
        for a, b in [("e/long", "p/long"), ("p/long", "e/long"), ("e/long", "e/otherwise"), ("p/long", "p/otherwise")]:
            judge(f"{a}.npz", f"{b}.npz", 0, "no divergence", "drift apart as rounding does")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
