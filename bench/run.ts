/** Measures Kaibo against its peers: npm run bench -- --help */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, type } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { activationRow } from "./activation.ts";
import { groupsRow } from "./groups.ts";
import { jacobianRow } from "./jacobian.ts";
import { memoryRow } from "./memory.ts";
import { NETS } from "./nets.ts";
import { findPython, Peer } from "./peer.ts";
import { report } from "./report.ts";
import type { Bench, Result, Row } from "./row.ts";

const HELP = `usage: npm run bench -- [--only P1a,P3] [--runs N] [--threads N] [--quick]
  --only ROWS    only these rows
  --runs N       alternating runs of each side (default 5)
  --threads N    threads of the peer, compute processes of ours (default 2)
  --quick        a tenth of the samples, 2 runs: checks that it works
`;

const ROWS: readonly Row[] = [...NETS.map(jacobianRow), groupsRow, activationRow, memoryRow];
const QUICK = 10;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    runs: { type: "string" },
    threads: { type: "string" },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) process.stdout.write(HELP);
else await run();

async function run(): Promise<void> {
  const script = join(import.meta.dirname, "../dist/compute.cjs");
  if (!existsSync(script)) throw new Error("dist/compute.cjs is missing: npm run build");
  const only = flags.only?.split(",");
  const unknown = only?.find((id) => !ROWS.some((row) => row.id === id));
  if (unknown !== undefined)
    throw new Error(`no row ${unknown}; there are ${ROWS.map((r) => r.id).join(", ")}`);
  const python = findPython();
  const bench: Bench = {
    runs: count(flags.runs, flags.quick ? 2 : 5),
    shrink: flags.quick ? QUICK : 1,
    threads: count(flags.threads, 2),
    script,
    peer: async (name) =>
      python === undefined ? undefined : Peer.start(python, name, count(flags.threads, 2)),
    log: (line) => void process.stderr.write(`${line}\n`),
  };
  const results: Result[] = [];
  for (const row of ROWS) {
    if (only?.includes(row.id) === false) continue;
    bench.log(row.id);
    results.push(await row.measure(bench));
  }
  process.stdout.write(`\n${report(results)}`);
  bench.log(`\nwritten to ${await save(bench, results)}`);
  if (results.some((r) => r.status === "failed")) process.exitCode = 1;
}

function count(text: string | undefined, otherwise: number): number {
  const n = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(n) || n < 1) throw new Error(`${text} is no number of runs or threads`);
  return n;
}

async function save({ runs, threads }: Bench, results: readonly Result[]): Promise<string> {
  const folder = join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  const date = new Date().toISOString();
  const name = `${date.slice(0, 19).replaceAll(":", "-")}.json`;
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    system: `${type()} ${release()}`,
    node: process.version,
  };
  const rows = results.map(({ more: _, ...rest }) => rest);
  const result = { date, quick: flags.quick, runs, threads, machine, rows };
  await writeFile(join(folder, name), `${JSON.stringify(result, undefined, 2)}\n`);
  return `bench/results/${name}`;
}
