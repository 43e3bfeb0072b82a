import { median } from "#core/median.ts";
import { Pool } from "#server/compute/pool.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { type Limit, openLimit } from "./limit.ts";
import { type NetFiles, writeNet } from "./models.ts";
import type { NetSpec } from "./nets.ts";
import { INSTALL, type Peer, type PeerRun } from "./peer.ts";
import { cpuSeconds } from "./processes.ts";
import type { Bench, Result, Row } from "./row.ts";

/** The peer runs with whichever of these is faster. */
const PEER_BATCHES = [100, 500] as const;
/** How far the two sides' σ may be apart, relative, per layer. */
const TOLERANCE = 1e-3;

interface Run {
  readonly seconds: number;
  readonly cpu: number | undefined;
  readonly sigma: readonly number[];
}

/** P1–P3: the moments of the Jacobian by the inputs and by every layer's activations. */
export function jacobianRow(net: NetSpec): Row {
  const target = { most: net.target, unit: "" } as const;
  const aim = { most: net.aim, unit: "" } as const;
  return {
    id: net.id,
    async measure(bench) {
      const samples = Math.max(100, Math.round(net.samples / bench.shrink));
      const base = { id: net.id, work: `${net.work}: ${samples} samples`, target, aim };
      const files = await writeNet(net);
      const pool = new Pool({ script: bench.script, processes: bench.threads });
      const limit = await openLimit(bench.threads);
      const peer = await bench.peer("p1.py");
      try {
        return { ...base, ...(await compare(bench, { files, samples, pool, limit, peer })) };
      } finally {
        peer?.stop();
        pool.dispose();
        await limit.release();
      }
    },
  };
}

interface Sides {
  readonly files: NetFiles;
  readonly samples: number;
  readonly pool: Pool;
  readonly limit: Limit;
  readonly peer: Peer | undefined;
}

type Outcome = Omit<Result, "id" | "work" | "target" | "aim">;

async function compare(bench: Bench, sides: Sides): Promise<Outcome> {
  const { files, samples, peer } = sides;
  const cold = await ourRun(sides);
  const batch = peer === undefined ? 0 : await fasterBatch(peer, files.peer, samples);
  const ours: Run[] = [];
  const peers: PeerRun[] = [];
  const rates: number[] = [];
  for (let i = 0; i < bench.runs; i++) {
    rates.push(await sides.limit.rate());
    ours.push(await ourRun(sides));
    if (peer !== undefined) peers.push(await peer.run({ net: files.peer, samples, batch }));
    const other = peers.at(-1)?.seconds.toFixed(2);
    bench.log(`  ours ${ours.at(-1)?.seconds.toFixed(2)} s${other ? `, peer ${other} s` : ""}`);
  }
  const time = median(ours.map((r) => r.seconds));
  const cpu = ours.every((r) => r.cpu !== undefined) ? median(ours.map((r) => r.cpu ?? 0)) : null;
  const flops = (2 * files.macs * (files.outputs + 1) * samples) / time;
  const limit = median(rates);
  const facts = {
    ours: `${time.toFixed(2)} s`,
    details: {
      samples,
      ours: ours.map(({ sigma: _, ...rest }) => rest),
      cold: cold.seconds,
      sigma: cold.sigma,
      limit: rates,
      usefulFlops: flops,
      ...(peer && { peer: { name: "PyTorch", version: peer.version, batch, runs: peers } }),
    },
    more: {
      "ours CPU s": cpu?.toFixed(2) ?? "–",
      "ours cold": `${cold.seconds.toFixed(2)} s`,
      "useful GFLOP/s": (flops / 1e9).toFixed(1),
      "of MatMul 1024³": `${((100 * flops) / limit).toFixed(0)} % of ${(limit / 1e9).toFixed(0)}`,
    },
  };
  if (peer === undefined) return { ...facts, status: "skipped", note: INSTALL };
  const peerTime = median(peers.map((r) => r.seconds));
  const peerCpu = median(peers.map((r) => r.cpu));
  const difference = Math.max(...ours.map((r) => farthest(r.sigma, peers[0]?.sigma ?? [])));
  const measured = {
    ...facts,
    peer: `${peerTime.toFixed(2)} s`,
    value: time / peerTime,
    more: {
      ...facts.more,
      "peer CPU s": peerCpu.toFixed(2),
      "CPU ratio": cpu === null ? "–" : (cpu / peerCpu).toFixed(2),
      "σ differ by": difference.toExponential(1),
    },
  };
  if (difference <= TOLERANCE) return { ...measured, status: "measured" };
  return { ...measured, status: "failed", note: `σ differ by ${difference}` };
}

/** As a user runs it: from the files, through the pool. */
async function ourRun({ files, samples, pool }: Sides): Promise<Run> {
  const used = () => cpuSeconds(pool.processes);
  const before = used();
  const started = performance.now();
  const result = await computeImportance(pool, {
    model: files.model,
    data: { data: files.data, preprocess: {}, limit: samples },
    measures: ["sigma"],
  });
  const seconds = (performance.now() - started) / 1000;
  const after = used();
  const all = [result.input.importance, ...result.layers.map((l) => l.sigma)];
  return {
    seconds,
    cpu: before === undefined || after === undefined ? undefined : after - before,
    sigma: all.map((values) => values.reduce((a, b) => a + b, 0)),
  };
}

async function fasterBatch(peer: Peer, net: string, samples: number): Promise<number> {
  const trial = Math.min(samples, 1000);
  let best = { batch: 100, seconds: Number.POSITIVE_INFINITY };
  for (const batch of PEER_BATCHES) {
    await peer.run({ net, samples: Math.min(trial, batch), batch });
    const { seconds } = await peer.run({ net, samples: trial, batch });
    if (seconds < best.seconds) best = { batch, seconds };
  }
  return best.batch;
}

/** Largest relative difference; the peer measures no derivative by the outputs themselves. */
function farthest(ours: readonly number[], peers: readonly number[]): number {
  if (ours.length !== peers.length + 1) return Number.POSITIVE_INFINITY;
  const differences = peers.map((p, i) => Math.abs((ours[i] ?? Number.NaN) - p) / Math.abs(p));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...differences);
}
