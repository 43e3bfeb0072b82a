import { readFileSync, readdirSync, unlinkSync } from "node:fs";
for (const f of readdirSync("/tmp/prof").sort()) {
  const ev = JSON.parse(readFileSync("/tmp/prof/" + f, "utf8"));
  const by = new Map(); let tot = 0, runs = 0;
  for (const e of ev) { if (e.name === "model_run") { runs++; } if (e.cat !== "Node" || !e.name.endsWith("_kernel_time")) continue; const k = e.args.op_name + " " + (process.argv[2] ? JSON.stringify(e.args.input_type_shape).slice(0, 150) : ""); by.set(k, (by.get(k) ?? 0) + e.dur); tot += e.dur; }
  console.log(f, "runs", runs, "total ms", tot / 1e3);
  for (const [k, v] of [...by].sort((a, b) => b[1] - a[1]).slice(0, 14)) console.log("   ", (100 * v / tot).toFixed(1).padStart(5), (v / 1e3).toFixed(1).padStart(8), k);
}
