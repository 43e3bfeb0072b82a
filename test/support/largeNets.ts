import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { image, op } from "./build.ts";

/** Nets of known sizes for planning. Weights are not read, so they are empty. */
export const largeNets = { resnet50, denseNet121, deepResidual };

const stored = (name: string, ...shape: number[]): Value =>
  constant({ dtype: "float32", shape, data: new Float32Array() }, name);

function conv(name: string, from: Value, to: number): Value {
  const w = stored(`${name}.weight`, to, from.shape[1] as number, 1, 1);
  return op("Conv", {}, [from, w], name);
}

function norm(name: string, x: Value): Value {
  const parameters = ["weight", "bias", "running_mean", "running_var"].map((part) =>
    stored(`${name}.${part}`, x.shape[1] as number),
  );
  return op("BatchNormalization", {}, [x, ...parameters], name);
}

const relu = (x: Value): Value => op("Relu", {}, [x]);
const normed = (name: string, x: Value, to: number): Value => norm(`${name}.bn`, conv(name, x, to));

function bottleneck(name: string, x: Value, narrow: number, wide: number): Value {
  const a = relu(normed(`${name}.a`, x, narrow));
  const b = relu(normed(`${name}.b`, a, narrow));
  const skip = x.shape[1] === wide ? x : normed(`${name}.skip`, x, wide);
  return relu(op("Add", {}, [normed(`${name}.c`, b, wide), skip]));
}

/** He et al. 2016: 53 convolutions, 26,560 units, and a head. */
function resnet50(): Graph {
  const x = image("N", 3, 8, 8);
  let stream = relu(normed("stem", x, 64));
  for (const [stage, blocks] of [3, 4, 6, 3].entries())
    for (let i = 0; i < blocks; i++)
      stream = bottleneck(`${stage}.${i}`, stream, 64 * 2 ** stage, 256 * 2 ** stage);
  return { inputs: [x], outputs: [conv("head", stream, 1000)] };
}

/** Huang et al. 2017: every layer of a block reads all before it. */
function denseNet121(): Graph {
  const x = image("N", 3, 8, 8);
  let stream = normed("stem", x, 64);
  for (const [stage, layers] of [6, 12, 24, 16].entries()) {
    for (let i = 0; i < layers; i++) {
      const name = `${stage}.${i}`;
      const narrow = normed(`${name}.a`, relu(norm(`${name}.norm`, stream)), 128);
      stream = op("Concat", { axis: 1 }, [stream, conv(`${name}.b`, relu(narrow), 32)]);
    }
    const half = (stream.shape[1] as number) / 2;
    stream = conv(`${stage}.down`, relu(norm(`${stage}.norm`, stream)), half);
  }
  return { inputs: [x], outputs: [conv("head", stream, 1000)] };
}

/** 3,100 blocks on one stream of 8 units. */
function deepResidual(): Graph {
  const x = image("N", 3, 8, 8);
  let stream = conv("stem", x, 8);
  for (let i = 0; i < 3100; i++) {
    const a = relu(conv(`${i}.a`, stream, 4));
    const b = relu(conv(`${i}.b`, a, 4));
    stream = relu(op("Add", {}, [conv(`${i}.c`, b, 8), stream]));
  }
  return { inputs: [x], outputs: [conv("head", stream, 2)] };
}
