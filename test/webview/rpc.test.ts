import assert from "node:assert/strict";
import { page } from "#protocol/panels/page.ts";
import { connectRpc, type Port } from "#protocol/rpc.ts";

interface Adder {
  add: { readonly params: readonly number[]; readonly result: number };
  refuse: { readonly params: null; readonly result: null };
}
interface Listener {
  heard: { readonly params: string; readonly result: null };
}

describe("calls between client and page", () => {
  function pair() {
    const [a, b] = ports();
    const heard: string[] = [];
    const listener = connectRpc<Listener, Adder>(a!, {
      heard(text) {
        heard.push(text);
        return null;
      },
    });
    const adder = connectRpc<Adder, Listener>(b!, {
      add: async (numbers) => numbers.reduce((x, y) => x + y, 0),
      refuse() {
        throw new Error("not today");
      },
    });
    return { listener, adder, heard, a: a!, b: b! };
  }

  it("are answered each by its own reply, in any order", async () => {
    const { listener, adder, heard } = pair();
    const sums = [[1, 2], [], [3, 4, 5]].map((numbers) => listener.call("add", numbers));
    assert.deepEqual(await Promise.all(sums), [3, 0, 12]);
    adder.tell("heard", "once");
    assert.equal(await adder.call("heard", "twice"), null);
    assert.deepEqual(heard, ["once", "twice"]);
  });

  it("carry the other side's error, and name calls that do not exist", async () => {
    const { listener } = pair();
    await assert.rejects(listener.call("refuse", null), /^Error: not today$/);
    for (const name of ["nothing", "toString", "__proto__"])
      await assert.rejects(
        listener.call(name as "add", []),
        new RegExp(`there is no call ${name}`),
      );
  });

  it("do not mind what others say to the page", async () => {
    const { listener, a, b } = pair();
    for (const junk of [
      null,
      7,
      "x",
      {},
      { kind: "call" },
      { kind: "reply" },
      { kind: "reply", id: 99 },
    ])
      for (const port of [a, b]) port.post(junk);
    assert.equal(await listener.call("add", [1]), 1);
  });
});

describe("a panel's page", () => {
  it("runs its own script only, and holds no markup that was not meant", () => {
    const html = page({
      source: "https://source",
      script: "https://source/a.js",
      style: "https://source/a.css",
      nonce: "n0nce",
      language: "ja",
      title: `</title><script>alert("x")</script>`,
    });
    assert.equal(html.match(/<script/g)?.length, 1);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'nonce-n0nce';/);
    assert.doesNotMatch(policy, /unsafe|\*|connect-src/);
  });
});

/** Two ends of one line; what is said arrives later, and copied. */
function ports(): readonly Port[] {
  const hearers: ((message: unknown) => void)[][] = [[], []];
  return [0, 1].map((me) => ({
    post: (message) =>
      setImmediate(() => {
        for (const hear of hearers[1 - me]!) hear(structuredClone(message));
      }),
    listen: (hear) => void hearers[me]!.push(hear),
  }));
}
