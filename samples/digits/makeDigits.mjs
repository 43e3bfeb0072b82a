// Writes hand-drawn-looking 28 × 28 digits as gzip-packed IDX files, the format of MNIST:
//   node makeDigits.mjs          writes the 2,000 test digits
//   node makeDigits.mjs --train  writes the 12,000 training digits as well
// The same digits every time: everything random comes from a seed.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { parseStrokes, styles } from "./strokes.mjs";

const side = 28;

function makeSet(name, count, seed) {
  const random = randomSource(seed);
  const images = Buffer.alloc(count * side * side);
  const labels = Buffer.alloc(count);
  for (let i = 0; i < count; i++) {
    labels[i] = Math.floor(random.uniform(0, 10));
    images.set(drawDigit(labels[i], random), i * side * side);
  }
  writeIdx(`${name}-images-idx3-ubyte.gz`, [count, side, side], images);
  writeIdx(`${name}-labels-idx1-ubyte.gz`, [count], labels);
}

function writeIdx(name, dims, bytes) {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, 8, dims.length]);
  dims.forEach((dim, i) => {
    header.writeUInt32BE(dim, 4 + 4 * i);
  });
  const packed = gzipSync(Buffer.concat([header, bytes]), { level: 9 });
  writeFileSync(new URL(name, import.meta.url), packed);
}

function drawDigit(digit, random) {
  const style = styles[digit][Math.floor(random.uniform(0, styles[digit].length))];
  const bend = elasticField(random);
  const place = affine(random);
  const strokes = parseStrokes(style).map((runs) => {
    const moved = shaken(runs, random);
    return moved.flatMap(smooth).map((point) => place(bend(point)));
  });
  return ink(centred(strokes, random), random);
}

/** Moves every point a little, the same way in the runs that share it. */
function shaken(runs, random) {
  const moved = new Map();
  const move = (point) => {
    if (!moved.has(point))
      moved.set(
        point,
        point.map((v) => v + 3.2 * random.normal()),
      );
    return moved.get(point);
  };
  return runs.map((run) => run.map(move));
}

/** Catmull-Rom spline through the points, six steps from each to the next. */
function smooth(run) {
  const steps = 6;
  return run.slice(0, -1).flatMap((p1, i) => {
    const [p0, p2, p3] = [run[i - 1] ?? p1, run[i + 1], run[i + 2] ?? run[i + 1]];
    return Array.from({ length: steps + 1 }, (_, k) => {
      const t = k / steps;
      return [0, 1].map(
        (d) =>
          0.5 *
          (2 * p1[d] +
            (p2[d] - p0[d]) * t +
            (2 * p0[d] - 5 * p1[d] + 4 * p2[d] - p3[d]) * t ** 2 +
            (3 * p1[d] - p0[d] - 3 * p2[d] + p3[d]) * t ** 3),
      );
    });
  });
}

/** Slow waves across the field, after Simard et al. 2003, "elastic distortions". */
function elasticField(random) {
  const waves = Array.from({ length: 4 }, () => ({
    axis: random.uniform(0, 1) < 0.5 ? 0 : 1,
    x: random.uniform(-0.06, 0.06),
    y: random.uniform(-0.06, 0.06),
    phase: random.uniform(0, 2 * Math.PI),
    height: 2.6 * random.normal(),
  }));
  return (point) => {
    const bent = [...point];
    for (const { axis, x, y, phase, height } of waves) {
      bent[axis] += height * Math.sin(x * point[0] + y * point[1] + phase);
    }
    return bent;
  };
}

function affine(random) {
  const turn = 0.12 * random.normal();
  const slant = 0.15 + 0.17 * random.normal();
  const width = Math.exp(0.16 * random.normal());
  return ([x, y]) => {
    const [u, v] = [width * (x - 50) - slant * (y - 50), y - 50];
    return [u * Math.cos(turn) - v * Math.sin(turn), u * Math.sin(turn) + v * Math.cos(turn)];
  };
}

/** Fits the strokes into about 20 × 20 pixels around the middle of the image. */
function centred(strokes, random) {
  const points = strokes.flat();
  const [low, high] = [Math.min, Math.max].map((pick) =>
    [0, 1].map((d) => pick(...points.map((p) => p[d]))),
  );
  const scale = random.uniform(17, 20) / Math.max(high[0] - low[0], high[1] - low[1]);
  const shift = [0, 1].map(
    (d) => side / 2 - 0.5 + 0.6 * random.normal() - (scale * (low[d] + high[d])) / 2,
  );
  return strokes.map((stroke) => stroke.map((p) => p.map((v, d) => v * scale + shift[d])));
}

/** Draws the strokes with a pen whose width swells and fades; pixel values 0 … 255, row by row. */
function ink(strokes, random) {
  const shade = new Float64Array(side * side);
  const pen = Math.min(1.9, Math.max(0.75, 1.2 + 0.28 * random.normal()));
  const softness = random.uniform(0.55, 0.85);
  for (const stroke of strokes) {
    const [phase, swell] = [random.uniform(0, 2 * Math.PI), random.uniform(0, 0.22)];
    for (let i = 1; i < stroke.length; i++) {
      const radius = pen * (1 + swell * Math.sin(phase + i / 5));
      drawSegment(shade, stroke[i - 1], stroke[i], radius, softness);
    }
  }
  return Uint8Array.from(shade, (value) => {
    if (value < 0.02) return 0;
    return Math.min(255, Math.max(0, Math.round(255 * value * (1 + 0.04 * random.normal()))));
  });
}

function drawSegment(shade, from, to, radius, softness) {
  const reach = radius + softness;
  const [left, top] = [0, 1].map((d) => Math.max(0, Math.ceil(Math.min(from[d], to[d]) - reach)));
  const [right, bottom] = [0, 1].map((d) =>
    Math.min(side - 1, Math.floor(Math.max(from[d], to[d]) + reach)),
  );
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const squared = Math.max(1e-12, dx * dx + dy * dy);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const along = ((x - from[0]) * dx + (y - from[1]) * dy) / squared;
      const t = Math.min(1, Math.max(0, along));
      const distance = Math.hypot(x - from[0] - t * dx, y - from[1] - t * dy);
      const value = Math.min(1, Math.max(0, (reach - distance) / (2 * softness)));
      shade[y * side + x] = Math.max(shade[y * side + x], value);
    }
  }
}

/** Uniform and normal numbers from a seed (mulberry32; Box and Muller). */
function randomSource(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

makeSet("t10k", 2000, 20260);
if (process.argv.includes("--train")) makeSet("train", 12000, 20261);
