import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ENGINES, engine } from "#server/runtime/engines.ts";
import {
  type CaseResult,
  type ConformanceTable,
  conformanceCases,
  conformanceFile,
  EXPLAINED,
  isExplained,
  runCase,
  tableOf,
} from "../support/conformance.ts";
import { referenceRuntime } from "../support/referenceRuntime.ts";

const cases = conformanceCases();

describe("ONNX's own tests of operators", function () {
  this.timeout(180_000);
  const results: CaseResult[] = [];
  before(async function () {
    if (cases === undefined) {
      for (const test of this.test!.parent!.tests)
        test.title += " (skipped: needs onnx-backend-tests in KAIBO_DATA)";
      this.skip();
    }
    const runtimes = [referenceRuntime];
    for (const name of ENGINES) runtimes.push(await engine(name));
    for (const each of cases) results.push(await runCase(each, runtimes));
  });

  it("none gives another result than ONNX says, but for those that are explained", () => {
    const failures = results.flatMap(({ name, outcomes }) =>
      [...outcomes].flatMap(([runtime, outcome]) =>
        outcome.kind === "fail" && !isExplained(name, runtime)
          ? [`${runtime} ${name}: ${outcome.because}`]
          : [],
      ),
    );
    assert.deepEqual(failures, []);
  });

  it("what is explained is still so", () => {
    for (const { name, runtimes } of EXPLAINED) {
      const result = results.find((r) => r.name === name);
      for (const runtime of runtimes)
        assert.equal(result?.outcomes.get(runtime)?.kind, "fail", `${runtime} ${name}`);
    }
  });

  it("every refusal says what is not supported", () => {
    for (const { name, outcomes } of results)
      for (const outcome of outcomes.values())
        if (outcome.kind === "refused") assert.match(outcome.because, /\w{3}/, name);
  });

  it("each runtime passes as many, of each operator, as the table in docs/operators.md says", () => {
    const committed = JSON.parse(readFileSync(conformanceFile, "utf8")) as ConformanceTable;
    const found = tableOf(results);
    for (const [operator, counts] of Object.entries(committed))
      for (const [runtime, passed] of Object.entries(counts.passed))
        assert.ok(
          (found[operator]?.passed[runtime] ?? 0) >= passed,
          `${operator}: ${runtime} passes ${found[operator]?.passed[runtime] ?? 0}, not ${passed}`,
        );
  });
});
