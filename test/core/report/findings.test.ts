import assert from "node:assert/strict";
import { type FindingOptions, findings } from "#core/report/findings.ts";
import { importance, measured, model } from "../../support/listings.ts";

describe("findings", () => {
  it("are low importance below the share of the layer's largest, and units that are never active", () => {
    // conv1: 5 % of 0.0312 is 0.00156, above 0.0007; unit 2 is dead and so not also low.
    check({}, [
      [
        "low-importance",
        "hint",
        "conv1/1",
        "low importance: rank 3 of 4 in conv1 (0.00070, 2 % of the layer's largest)",
      ],
      ["dead-unit", "warning", "conv1/2", "never active on 10,000 samples"],
      [
        "low-importance",
        "hint",
        "fc1/2",
        "low importance: rank 3 of 3 in fc1 (0.004, 0.03 % of the layer's largest)",
      ],
    ]);
  });

  it("have the level the user chose; off silences a rule, and dead units are then of low importance", () => {
    check(
      { levels: { "low-importance": "information", "dead-unit": "off" }, lowImportance: 0.01 },
      [
        [
          "low-importance",
          "information",
          "conv1/2",
          "low importance: rank 4 of 4 in conv1 (0.00000, 0 % of the layer's largest)",
        ],
        [
          "low-importance",
          "information",
          "fc1/2",
          "low importance: rank 3 of 3 in fc1 (0.004, 0.03 % of the layer's largest)",
        ],
      ],
    );
  });

  it("are in Japanese for who reads Japanese", () => {
    check({ locale: "ja", lowImportance: 0.001 }, [
      ["dead-unit", "warning", "conv1/2", "10,000 サンプルで一度も活性化しない"],
      [
        "low-importance",
        "hint",
        "fc1/2",
        "重要度が低い: fc1 の 3 ユニット中 3 位 (0.004、層内最大値の 0.03 %)",
      ],
    ]);
  });

  it("call nothing dead without data", () => {
    const weightsOnly = { ...importance, data: "", samples: 0 };
    const codes = findings(model, weightsOnly, { lowImportance: 0 }).map(({ code }) => code);
    assert.deepEqual(codes, []);
  });

  it("say nothing of a layer whose numbers belong to another version of it, or are all equal or none", () => {
    for (const values of [
      [1, 0],
      [0, 0, 0, 0],
      [2, 2, 2, 2],
      [Number.NaN, Number.NaN, 1, 1],
    ]) {
      const layers = [measured("conv1", values, { active: values.map(() => 1) })];
      assert.deepEqual(findings(model, { ...importance, layers }, { lowImportance: 0.05 }), []);
    }
  });
});

function check(options: Partial<FindingOptions>, expected: readonly (readonly string[])[]): void {
  const found = findings(model, importance, { lowImportance: 0.05, ...options });
  assert.deepEqual(
    found.map(({ code, level, layer, unit, message }) => [
      code,
      level,
      `${layer}/${unit}`,
      message,
    ]),
    expected,
  );
}
