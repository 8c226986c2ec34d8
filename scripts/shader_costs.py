#!/usr/bin/env python3
"""Counts what a product costs for each weight, from the SPIR-V of its inner loop: the table of docs/vulkan.md.

  scripts/shader_costs.py        needs glslangValidator, spirv-opt and spirv-dis

The shader of decoding, of one row and one token, is compiled, inlined and optimised; then instructions between the
header of its loop over pieces of 32 weights and the loop's end are counted. Loads of weights are words; integer and
float instructions those that a GPU has to issue, vectors counted by their components. A fused multiply-add is one.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SHADERS = Path(__file__).resolve().parent.parent / "shaders"
FORMATS = "F32 F16 BF16 Q8_0 Q6_K Q5_1 Q5_0 Q5_K Q4_1 Q4_0 Q4_K IQ4_NL IQ4_XS Q3_K Q2_K".split()
BYTES = dict(F32=4, F16=2, BF16=2, Q8_0=34 / 32, Q6_K=210 / 256, Q5_1=24 / 32, Q5_0=22 / 32, Q5_K=176 / 256, Q4_1=20 / 32,
             Q4_0=18 / 32, Q4_K=144 / 256, IQ4_NL=18 / 32, IQ4_XS=136 / 256, Q3_K=110 / 256, Q2_K=84 / 256)
INTEGER = re.compile(r"Op(I|S|U)(Add|Sub|Mul|Div|Mod|Rem|Negate|Dot\w*)$|Op(Shift|Bitwise|BitField|Not)\w*$")
FLOAT = re.compile(r"OpF(Add|Sub|Mul|Div|Negate)$|OpVectorTimesScalar$|OpDot$|OpConvert\w+$")
# Of a long row and one token.
CONSTANTS = dict(kRows="1u", kColumns="1u", kWhole="true", kExperts="false", kShare="1u")
WEIGHTS_IN_A_STEP = 32


def unrolled(text):
    """With the loop over parts of a piece written out, as drivers do."""
    start = text.index("[[unroll]] for (uint n")
    body = text.index("{", start) + 1
    end, depth = body, 1
    while depth > 0:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    copies = "".join(f"{{ const uint n = {n}u;{text[body:end]}" for n in range(4))
    return text[:start] + copies + text[end:]


def disassembly(fmt, defines):
    with tempfile.TemporaryDirectory() as folder:
        spirv, source = Path(folder) / "shader.spv", Path(folder) / "shader.comp"
        text = (SHADERS / "matmul_decode.comp").read_text()
        for name, value in CONSTANTS.items():
            text = re.sub(rf"layout\(constant_id = \d+\) const (\w+) {name} = \w+;", rf"const \1 {name} = {value};", text)
        source.write_text(unrolled(text))
        subprocess.run(["glslangValidator", "--quiet", "-V", "--target-env", "vulkan1.1", f"-I{SHADERS}", f"-DFORMAT_{fmt}",
                        *(f"-D{d}" for d in defines), source, "-o", spirv], check=True)
        subprocess.run(["spirv-opt", "--set-spec-const-default-value=8:true", "--freeze-spec-const", "-O", "-O",
                        spirv, "-o", spirv], check=True)
        return subprocess.run(["spirv-dis", "--raw-id", spirv], check=True, capture_output=True, text=True).stdout


def count(text):
    components, weights, pointers = {}, set(), {}
    for line in text.splitlines():
        if m := re.match(r"\s*(%\d+) = OpType(Float|Int|Bool)", line):
            components[m[1]] = 1
        elif m := re.match(r"\s*(%\d+) = OpTypeVector %\d+ (\d+)", line):
            components[m[1]] = int(m[2])
        elif m := re.match(r"\s*OpDecorate (%\d+) Binding 0", line):
            weights.add(m[1])
    blocks, label = {}, None
    order = []
    for line in text.splitlines():
        if m := re.match(r"\s*(%\d+) = OpLabel", line):
            label = m[1]
            blocks[label] = []
            order.append(label)
        elif label:
            blocks[label].append(line.strip())
    # The loop with most instructions is the one over units; what is before its merge block belongs to it.
    best = None
    for start in order:
        for line in blocks[start]:
            if m := re.match(r"OpLoopMerge (%\d+) (%\d+)", line):
                inside = order[order.index(start):order.index(m[1])]
                lines = [l for b in inside for l in blocks[b]]
                best = max(best or [], lines, key=len)
    loads = integers = floats = 0
    for line in best:
        m = re.match(r"(%\d+) = (Op\w+) (%\d+)(.*)", line)
        if not m:
            continue
        result, op, kind, rest = m.groups()
        size = components.get(kind, 1)
        if op == "OpAccessChain" and any(w in rest.split() for w in weights):
            pointers[result] = True
        if op == "OpLoad" and any(p in pointers for p in rest.split()):
            loads += size
        if op == "OpExtInst":
            floats += size
        elif INTEGER.match(op) or op == "OpSelect":
            integers += size
        elif FLOAT.match(op):
            floats += size
    return loads, integers, floats


def main():
    print("| format | bytes a weight | instructions a weight, F32 | multiply-adds a byte | instructions a weight, int8 |")
    print("|---|---|---|---|---|")
    for fmt in FORMATS:
        _, integers, floats = count(disassembly(fmt, ["SUBGROUPS"]))
        plain = f"{integers / WEIGHTS_IN_A_STEP:.1f} integer, {floats / WEIGHTS_IN_A_STEP:.1f} float"
        int8 = "-"
        if BYTES[fmt] < 2:
            _, integers, floats = count(disassembly(fmt, ["SUBGROUPS", "INTEGER_DOT"]))
            int8 = f"{integers / WEIGHTS_IN_A_STEP:.1f} integer, {floats / WEIGHTS_IN_A_STEP:.1f} float"
        print(f"| {fmt} | {BYTES[fmt]:.4g} | {plain} | {1 / BYTES[fmt]:.2f} | {int8} |")


if __name__ == "__main__":
    sys.exit(main())
