import { sameShape } from "../../../../ir/tensor.ts";
import { InvalidNode } from "../../../../ops/operator.ts";
import { type Call, type Converter, targetOf, Unsupported } from "../call.ts";
import { channelsFirst, heldAxis, ordered, plain, rankOf, shapeOf } from "../held.ts";
import { squeeze } from "../stridedSlice.ts";

/** Back to TensorFlow's order first, unless only axes of length 1 stand elsewhere. */
const reshape: Converter = (call) => {
  const x = call.tensor(0);
  const long = x.order.filter((axis) => shapeOf(x)[axis] !== 1);
  const kept = long.every((axis, i) => i === 0 || long[i - 1] < axis);
  const value = kept ? x.value : call.plain(0);
  const wanted = call.sizes(1).map((entry) => entry.dim);
  if (sameShape(wanted, shapeOf(x))) return x;
  const { numbers, attrs } = targetOf(value.shape, wanted);
  return plain(call.apply("Reshape", attrs, value, call.target(1, numbers)));
};

const squeezed: Converter = (call) => {
  const x = call.any(0);
  const dims = call.attributes.ints("squeeze_dims");
  const shape = shapeOf(x);
  const axes =
    dims.length === 0 ? shape.flatMap((d, a) => (d === 1 ? [a] : [])) : call.axes(dims, rankOf(x));
  if (axes.some((a) => x.blocks?.[a] !== undefined)) return squeeze(call, call.tensor(0), axes);
  const result = squeeze(call, x, axes);
  return { ...result, blocks: x.blocks?.filter((_, a) => !axes.includes(a)) };
};

/** The new axis stands where it does least harm: beside its neighbour, and never before the batch. */
const expandDims: Converter = (call) => {
  const x = call.any(0);
  const rank = rankOf(x);
  const axis = call.axis(call.numbers(1)[0], rank + 1);
  const at = axis >= 2 ? heldAxis(x, axis - 1) + 1 : axis < rank ? heldAxis(x, axis) : rank;
  const order = x.order.map((a) => (a >= axis ? a + 1 : a)).toSpliced(at, 0, axis);
  const value = call.apply("Unsqueeze", {}, x.value, call.integers([at]));
  return { ...ordered(value, order), blocks: x.blocks?.toSpliced(axis, 0, undefined) };
};

const modes: Readonly<Record<string, string>> = { REFLECT: "reflect", SYMMETRIC: "symmetric" };

const pad: Converter = (call) => {
  const x = call.tensor(0);
  const margins = call.numbers(1);
  if (margins.length !== 2 * rankOf(x))
    throw new InvalidNode("paddings do not fit the rank of the input");
  const mirror = call.node.op === "MirrorPad";
  const name = mirror ? call.attributes.text("mode", "REFLECT").toUpperCase() : "";
  if (mirror && modes[name] !== "reflect")
    throw new Unsupported(`padding ${name} is not supported`);
  // Also where nothing is padded: a prune may leave it so.
  const pads = [...x.order.map((a) => margins[2 * a]), ...x.order.map((a) => margins[2 * a + 1])];
  const value = call.inputs.length > 2 ? call.plain(2) : undefined;
  const mode = mirror ? { mode: "reflect" } : {};
  const padded = call.apply("Pad", mode, x.value, call.integers(pads), value);
  const rank = x.order.length;
  call.setting(padded, "pads", 1, (now) =>
    margins.map((_, i) => now[x.order.indexOf(Math.floor(i / 2)) + (i % 2) * rank]),
  );
  return ordered(padded, x.order);
};

const depthToSpace: Converter = (call) => {
  const blocksize = call.attributes.int("block_size", 2);
  const value = call.apply("DepthToSpace", { blocksize }, call.first(0));
  return ordered(value, channelsFirst(4));
};

const broadcastTo: Converter = (call) => {
  const x = call.plain(0);
  const shape = call.sizes(1).map((s) => s.dim);
  const offset = shape.length - x.shape.length;
  // A length that is not known stays as it is; 1 keeps it.
  const target = shape.map((d, i): number => {
    if (typeof d === "number") return d;
    if (x.shape[i - offset] === d) return 1;
    throw new InvalidNode(`it repeats the input as often as ${d} tells, which is not known`);
  });
  return plain(call.apply("Expand", {}, x, call.integers(target)));
};

const resize =
  (mode: "linear" | "nearest"): Converter =>
  (call: Call) => {
    const x = call.first(0);
    const sizes = call.numbers(1);
    if (sizes.length !== 2 || x.shape.length !== 4)
      throw new InvalidNode("the size must be height and width");
    const aligned = call.attributes.bool("align_corners");
    const half = call.attributes.bool("half_pixel_centers");
    const place = aligned ? "align_corners" : half ? "half_pixel" : "asymmetric";
    // TensorFlow takes the element at floor(i·scale), or the nearest one where it aligns corners.
    const rounding = aligned || half ? "round_prefer_ceil" : "floor";
    const attrs = {
      mode,
      coordinate_transformation_mode: place,
      ...(mode === "nearest" ? { nearest_mode: rounding } : {}),
      axes: [2, 3],
    };
    const y = call.apply("Resize", attrs, x, undefined, undefined, call.integers(sizes));
    return ordered(y, channelsFirst(4));
  };

const whole: Converter = (call) => call.any(0);

export const transformation: Readonly<Record<string, Converter>> = {
  BroadcastTo: broadcastTo,
  DepthToSpace: depthToSpace,
  EnsureShape: whole,
  ExpandDims: expandDims,
  // Weights were quantised while training; TensorFlow.js hands the values on too.
  FakeQuantWithMinMaxVars: whole,
  Identity: whole,
  IdentityN: (call) => call.inputs.map((_, i) => call.any(i)),
  MirrorPad: pad,
  Pad: pad,
  PadV2: pad,
  PlaceholderWithDefault: whole,
  PreventGradient: whole,
  Reshape: reshape,
  ResizeBilinear: resize("linear"),
  ResizeNearestNeighbor: resize("nearest"),
  Snapshot: whole,
  Squeeze: squeezed,
  StopGradient: whole,
};
