import type { Connection } from "vscode-languageserver";
import {
  type ConfirmParams,
  confirmRequest,
  type InitializationOptions,
} from "#protocol/requests.ts";

/** Asks the user in the client's own way, or in the protocol's; no answer is a no. */
export async function confirm(
  connection: Connection,
  { confirms }: InitializationOptions,
  question: ConfirmParams,
): Promise<boolean> {
  if (confirms === true) return connection.sendRequest<boolean>(confirmRequest, question);
  const { message, detail, accept } = question;
  const answer = await connection.window.showWarningMessage(`${message}\n${detail}`, {
    title: accept,
  });
  return answer?.title === accept;
}
