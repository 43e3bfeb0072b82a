/** The panel "Removal curve" of a model: asks the server, and does what the page is asked for. */
import * as vscode from "vscode";
import type {
  CurveStatus,
  Facts,
  PanelMemory,
  RemovalCurveHost,
  RemovalCurvePanel,
} from "#protocol/panels/removalCurve.ts";
import {
  type CurveQuestion,
  factsRequest,
  listingChanged,
  removalCurveRequest,
} from "#protocol/requests.ts";
import { connectRpc, type Port } from "#protocol/rpc.ts";
import { CRITERIA } from "#protocol/views/ranking.ts";
import { errorText } from "../errorText.ts";
import type { Followed, Server } from "../server.ts";
import { requireTrust } from "../trust.ts";
import { deleteUnitLines } from "./deleteUnitLines.ts";
import type { Attached, PanelKind } from "./panels.ts";
import { removalCurveTexts } from "./removalCurveTexts.ts";
import { saveExport } from "./saveExport.ts";

export function removalCurvePanel(server: Server): PanelKind {
  return {
    type: "kaibo.removalCurve",
    script: "removalCurve",
    title: (model) => vscode.l10n.t("Removal Curve: {0}", model),
    attach: (port, model, layer) => attach(server, port, model, layer),
  };
}

function attach(server: Server, port: Port, model: string, layer?: string): Attached {
  let question: CurveQuestion | undefined;
  let status: CurveStatus = { kind: "empty" };
  /** The layer that the page is to begin with. */
  let wanted: string | undefined;
  let running: Followed<unknown> | undefined;

  async function facts(): Promise<Facts> {
    const found = await server.request(factsRequest, { model });
    return { ...found, model, trusted: vscode.workspace.isTrusted };
  }

  function set(next: CurveStatus): void {
    status = next;
    page.tell("status", next);
  }

  /** What was computed before is shown at once. */
  async function recall(asked: CurveQuestion): Promise<void> {
    const params = { model, question: asked, stored: true };
    const known = await server.request(removalCurveRequest, params);
    if (known !== null) status = { kind: "done", ...known, question: asked };
  }

  async function compute(asked: CurveQuestion): Promise<void> {
    running?.cancel();
    question = asked;
    const params = { model, question: asked, stored: false };
    const mine = server.follow(removalCurveRequest, params, (progress) => {
      if (running === mine) set({ kind: "computing", ...progress });
    });
    running = mine;
    set({ kind: "computing", detail: "" });
    try {
      const answer = await mine.answer;
      if (running === mine && answer !== null) set({ kind: "done", ...answer, question: asked });
    } catch (error) {
      if (running === mine)
        set(
          mine.isCancelled()
            ? { kind: "cancelled" }
            : { kind: "failed", message: errorText(error) },
        );
    } finally {
      if (running === mine) running = undefined;
    }
  }

  function cancel(): void {
    const mine = running;
    running = undefined;
    mine?.cancel();
    if (mine !== undefined) set({ kind: "cancelled" });
  }

  const page = connectRpc<RemovalCurveHost, RemovalCurvePanel>(port, {
    async open(memory) {
      const known = await facts();
      const first = question === undefined;
      question = remembered(known, memory) ?? question ?? usual(known, layer);
      if (wanted !== undefined) question = { ...question, ...unitsOf(known, wanted) };
      wanted = undefined;
      if (first && known.data !== undefined) await recall(question);
      return { texts: removalCurveTexts(), facts: known, question, status };
    },
    compute(asked) {
      void compute(asked);
      return null;
    },
    cancel() {
      cancel();
      return null;
    },
    async apply(units) {
      requireTrust();
      const { revision } = await facts();
      if (status.kind !== "done" || status.revision !== revision)
        throw new Error(vscode.l10n.t("The model has changed since this curve was computed."));
      return deleteUnitLines(server, model, units);
    },
    save: (file) => saveExport(model, file),
    async chooseData() {
      await vscode.commands.executeCommand("kaibo.createKaiboJson", vscode.Uri.file(model));
      return null;
    },
  });

  const refresh = async () => {
    try {
      page.tell("facts", await facts());
    } catch (error) {
      set({ kind: "failed", message: errorText(error) });
    }
  };
  const listeners = [
    server.on(listingChanged, (changed) => {
      if (changed.model === model) void refresh();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void refresh()),
  ];
  return {
    again(asked, visible) {
      if (visible && asked !== undefined) page.tell("preselect", asked);
      else wanted = asked;
    },
    dispose() {
      running?.cancel();
      for (const each of listeners) each.dispose();
    },
  };
}

/** Undefined for what another version kept, and for layers that are gone. */
function remembered({ layers }: Facts, memory: PanelMemory | null): CurveQuestion | undefined {
  const question = memory?.question;
  const isList = Array.isArray(question?.layers) && Array.isArray(question.orders);
  if (!isList || !CRITERIA.includes(question.criterion)) return undefined;
  const names = layers.filter(({ prunable }) => prunable).map(({ name }) => name);
  return question.layers.every((layer) => names.includes(layer)) ? question : undefined;
}

/** The layer under the cursor, else all together; the orders of Kanadera's figures. */
function usual(facts: Facts, layer?: string): CurveQuestion {
  return {
    removes: "units",
    layers: [],
    criterion: "importance",
    orders: ["ascending", "descending", "random"],
    retrain: false,
    ...(layer === undefined ? {} : unitsOf(facts, layer)),
  };
}

/** Nothing for a layer whose units cannot go. */
function unitsOf({ layers }: Facts, layer: string): Partial<CurveQuestion> {
  const known = layers.some(({ name, prunable }) => prunable && name === layer);
  return known ? { removes: "units", layers: [layer] } : {};
}
