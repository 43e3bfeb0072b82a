/** The page of the panel "Removal curve". */
import type {
  CurveStatus,
  Export,
  Facts,
  Opening,
  PanelMemory,
  RemovalCurveHost,
  RemovalCurvePanel,
} from "#protocol/panels/removalCurve.ts";
import { element } from "../../elements/element.ts";
import { connectClient } from "../vscodeApi.ts";
import { panelView } from "./panelView.ts";

const client = connectClient<RemovalCurvePanel, RemovalCurveHost, PanelMemory>({
  status: (status: CurveStatus) => shown((view) => view.status(status)),
  facts: (facts: Facts) => shown((view) => view.facts(facts)),
  preselect: (layer: string) => shown((view) => view.preselect(layer)),
});
const { remote } = client;
let view: ReturnType<typeof panelView> | undefined;

/** What comes before there is a page is part of the opening. */
function shown(tell: (open: ReturnType<typeof panelView>) => void): null {
  if (view !== undefined) tell(view);
  return null;
}

async function open(root: HTMLElement): Promise<void> {
  const memory = client.memory() ?? null;
  const opening: Opening = await remote.call("open", memory);
  view = panelView(root, opening, memory?.selected, {
    remember: client.remember,
    compute: async (question) => void (await remote.call("compute", question)),
    cancel: async () => void (await remote.call("cancel", null)),
    apply: (units) => remote.call("apply", units),
    save: (file: Export) => remote.call("save", file),
    chooseData: async () => void (await remote.call("chooseData", null)),
  });
}

async function start(root: HTMLElement): Promise<void> {
  try {
    await open(root);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    root.replaceChildren(element("p", { class: "notice error", role: "alert" }, message));
  }
  document.body.dataset.ready = "1";
}

void start(document.querySelector<HTMLElement>("#panel")!);
