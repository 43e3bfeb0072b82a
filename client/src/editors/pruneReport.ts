/** A prune in words: one line for the notification, all of it for the log. */
import * as vscode from "vscode";
import type { PruneReport } from "#protocol/requests.ts";
import { accuracyText, arrow, byteText, countText, listText, smallText } from "./numbers.ts";

export function shortReport(report: PruneReport): string {
  const size = arrow(report.bytes, byteText);
  const what = removedText(report);
  return report.accuracy === undefined
    ? vscode.l10n.t(
        "Pruned {0}: size {1}. There is no labelled data to measure accuracy.",
        what,
        size,
      )
    : vscode.l10n.t(
        "Pruned {0}: accuracy {1}, size {2}.",
        what,
        arrow(report.accuracy, accuracyText),
        size,
      );
}

export function fullReport(report: PruneReport): string {
  const { accuracy, maskedDifference } = report;
  const lines = [
    vscode.l10n.t("Pruned {0}", report.model),
    ...report.removed.map(({ layer, units }) =>
      vscode.l10n.t("{0}: units {1}", layer, units.join(", ")),
    ),
    ...(accuracy ? [vscode.l10n.t("accuracy {0}", arrow(accuracy, accuracyText))] : []),
    vscode.l10n.t("parameters {0}", arrow(report.parameters, countText)),
    ...(report.macs
      ? [vscode.l10n.t("multiply-accumulates {0}", arrow(report.macs, countText))]
      : []),
    vscode.l10n.t("bytes {0}", arrow(report.bytes, countText)),
    ...(maskedDifference === undefined
      ? []
      : [
          vscode.l10n.t(
            "largest difference from the original with these units masked: {0}",
            smallText(maskedDifference),
          ),
        ]),
  ];
  return lines.join("\n  ");
}

function removedText({ removed }: PruneReport): string {
  const [first, ...others] = removed;
  if (first === undefined) return vscode.l10n.t("no units");
  const count = removed.reduce((sum, { units }) => sum + units.length, 0);
  return count === 1 && others.length === 0
    ? vscode.l10n.t("unit {0} of {1}", first.units.join(), first.layer)
    : vscode.l10n.t(
        "{0} units of {1}",
        countText(count),
        listText(removed.map(({ layer }) => layer)),
      );
}
