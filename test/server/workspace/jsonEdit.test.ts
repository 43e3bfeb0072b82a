import assert from "node:assert/strict";
import fc from "fast-check";
import { setMember } from "#server/workspace/jsonEdit.ts";

function set(json: string, path: readonly (string | number)[], value: string): string | undefined {
  const change = setMember(json, path, value);
  return change && json.slice(0, change.from) + change.text + json.slice(change.to);
}

describe("editing JSON as it is written", () => {
  for (const [json, path, expected] of [
    ['{"a":1}', ["b"], '{"a":1, "b": 9}'],
    ['{ "a": 1 }', ["b"], '{ "a": 1, "b": 9 }'],
    ['{\n  "a": [1, {"b": 2}]\n}', ["b"], '{\n  "a": [1, {"b": 2}],\n  "b": 9\n}'],
    ['{"a": {"b": [1, 2]}, "c": 3}', ["a", "b"], '{"a": {"b": 9}, "c": 3}'],
    ['{"a": [{}, {"x": "}"}]}', ["a", 1, "b"], '{"a": [{}, {"x": "}", "b": 9}]}'],
    ['{"a": [{}, {}]}', ["a", 0, "b", "c"], '{"a": [{ "b": { "c": 9 } }, {}]}'],
    ['\ufeff{"\\u0061": -1.5e3 }', ["a"], '\ufeff{"\\u0061": 9 }'],
    ['{"a": "text"}', ["a", "b"], undefined],
    ['{"a": []}', ["a", 0, "b"], undefined],
  ] as const)
    it(`${JSON.stringify(json)} ${path.join(".")}`, () =>
      assert.equal(set(json, path, "9"), expected));

  it("sets what is asked for and nothing else, in any JSON", () => {
    const spaced = fc.tuple(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(0, 1, 2, 4),
    );
    fc.assert(
      fc.property(spaced, fc.string(), ([object, indent], key) => {
        fc.pre(key !== "__proto__" && JSON.stringify(key) === `"${key}"`);
        const json = JSON.stringify(object, undefined, indent);
        const expected = { ...(JSON.parse(json) as object), [key]: [1, 2] };
        assert.deepEqual(JSON.parse(set(json, [key], "[1, 2]")!), expected);
      }),
      { seed: 20261121 },
    );
  });
});
