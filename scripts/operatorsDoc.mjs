/**
 * Writes docs/operators.md; where ONNX's tests are (KAIBO_DATA), counts them first.
 *   node --import tsx scripts/operatorsDoc.mjs
 */
import { writeFileSync } from "node:fs";
import { ENGINES, engine } from "../server/src/runtime/engines.ts";
import {
  conformanceCases,
  conformanceFile,
  runCase,
  tableOf,
} from "../test/support/conformance.ts";
import { operatorsDoc } from "../test/support/operatorsDoc.ts";
import { referenceRuntime } from "../test/support/referenceRuntime.ts";

const cases = conformanceCases();
if (cases === undefined) console.log("ONNX's tests are not in KAIBO_DATA: their counts stay");
else {
  const runtimes = [referenceRuntime, ...(await Promise.all(ENGINES.map(engine)))];
  const results = [];
  for (const each of cases) results.push(await runCase(each, runtimes));
  writeFileSync(conformanceFile, `${JSON.stringify(tableOf(results), undefined, 2)}\n`);
}
writeFileSync(new URL("../docs/operators.md", import.meta.url), operatorsDoc());
