import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { json, kaibo } from "../../support/kaibo.ts";
import { mnistCnn, sigmoidMlp } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const MODEL = mnistCnn.model;
const IMAGES = mnistCnn.data.data;
const DIGITS = ["--data", IMAGES, "--scale", String(1 / 255), "--processes", "1"];

interface Failure {
  readonly error: { code: string; message: string; at: { file: string; place?: string } };
}

describe("kaibo, where something is wrong", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const garbage = folder.file("garbage.onnx");
  const pickle = folder.file("model.pt");
  const truncated = folder.file("truncated.onnx");
  before(() => {
    writeFileSync(garbage, "no model");
    writeFileSync(pickle, "PK\u0003\u0004 no model either");
    writeFileSync(truncated, readFileSync(MODEL).subarray(0, 9000));
  });
  after(() => folder.remove());

  const cases: readonly (readonly [string, () => readonly string[], RegExp])[] = [
    ["an unknown command", () => ["explode"], /unknown command explode; kaibo --help lists them/],
    ["no model", () => ["inspect"], /name a model file/],
    ["two models", () => ["inspect", MODEL, MODEL], /unexpected argument/],
    ["an unknown flag", () => ["inspect", MODEL, "--deep"], /'--deep'.*kaibo inspect --help/],
    ["a model that is not there", () => ["inspect", "nowhere.onnx"], /nowhere.onnx: there is no/],
    ["a folder for a model", () => ["inspect", folder.path], /./],
    ["a file that is no model", () => ["inspect", garbage], /garbage.onnx/],
    ["a pickle", () => ["inspect", pickle], /model\.pt: .*torch\.onnx\.export/],
    ["no data", () => ["importance", MODEL], /name the data with --data/],
    [
      "data that is not there",
      () => ["importance", MODEL, "--data", "nowhere.npy"],
      /nowhere.npy: there is no such file/,
    ],
    [
      "data of another shape",
      () => ["importance", sigmoidMlp.model, "--data", IMAGES],
      /mnist200-images/,
    ],
    ["a limit of nothing", () => ["importance", MODEL, ...DIGITS, "--limit", "0"], /--limit 0/],
    ["half a limit", () => ["importance", MODEL, ...DIGITS, "--limit", "1.5"], /--limit 1\.5/],
    ["a scale in words", () => ["importance", MODEL, ...DIGITS, "--scale", "big"], /--scale big/],
    ["means in words", () => ["importance", MODEL, ...DIGITS, "--mean", "0,x"], /--mean 0,x/],
    ["an unknown index", () => ["importance", MODEL, ...DIGITS, "--index", "size"], /--index size/],
    [
      "an unknown layer",
      () => ["importance", MODEL, ...DIGITS, "--layers", "conv9"],
      /there is no layer conv9/,
    ],
    [
      "an unknown severity",
      () => ["importance", MODEL, ...DIGITS, "--limit", "9", "--fail-on", "doom"],
      /--fail-on doom/,
    ],
    ["an engine nobody has", () => ["importance", MODEL, ...DIGITS, "--engine", "steam"], /steam/],
    ["no seed", () => ["importance", MODEL, ...DIGITS, "--seed", "x"], /--seed x/],
    ["a model cut short", () => ["importance", truncated, ...DIGITS], /truncated\.onnx/],
  ];

  for (const [what, args, message] of cases)
    it(`answers ${what} with one clear line and exit 2`, async () => {
      const { code, stdout, stderr } = await kaibo(args());
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, /^kaibo: [^\n]+\n$/);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\bat .*\.(ts|cjs):\d|undefined/);
    });

  it("answers with the error as the only object on stdout when JSON is asked for", async () => {
    const failures: readonly (readonly [readonly string[], string, object])[] = [
      [["explode"], "bad-request", { file: "" }],
      [["inspect", "--deep"], "bad-request", { file: "" }],
      [["inspect", "nowhere.onnx"], "unreadable-model", { file: "nowhere.onnx" }],
      [["importance", MODEL, "--data", "no.npy"], "unreadable-data", { file: "no.npy" }],
    ];
    for (const [args, code, at] of failures) {
      const { error, ...rest } = json<Failure>(await kaibo([...args, "--json"]), 2);
      assert.deepEqual(rest, {});
      assert.deepEqual(Object.keys(error), ["code", "message", "at"]);
      assert.deepEqual([error.code, error.at], [code, at]);
      assert.ok(error.message.length > 0);
    }
  });
});

describe("kaibo --help", function () {
  this.timeout(60_000);
  const commands = ["inspect", "list", "importance", "prune", "rank", "serve"];

  it("lists the commands and the exit codes", async () => {
    const { code, stdout, stderr } = await kaibo(["--help"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const name of commands) assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
    assert.match(stdout, /exit codes: 0 .* 1 .* 2 /);
  });

  it("is shown with exit 2 when nothing is asked for", async () => {
    const { code, stdout } = await kaibo([]);
    assert.equal(code, 2);
    assert.match(stdout, /^kaibo COMMAND/);
  });

  for (const name of commands)
    it(`explains every flag of ${name}`, async () => {
      const { code, stdout, stderr } = await kaibo([name, "--help"]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, new RegExp(`^kaibo ${name} `));
      assert.match(stdout, /^ {2}--json /m);
      const flags = await flagsOf(name);
      for (const flag of flags) assert.match(stdout, new RegExp(`--${flag}\\b`), flag);
    });
});

async function flagsOf(name: string): Promise<readonly string[]> {
  const { commands } = await import("#server/cli/table.ts");
  const command = commands.find((c) => c.name === name)!;
  return Object.keys(command.flags).filter((flag) => flag !== "output");
}
