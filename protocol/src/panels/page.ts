/** The page that a panel's script runs in. */
export interface Page {
  /** Where scripts and styles may come from, as a Content-Security-Policy has it. */
  readonly source: string;
  readonly script: string;
  readonly style: string;
  /** Never the same twice: only a script that bears it runs. */
  readonly nonce: string;
  readonly language: string;
  readonly title: string;
}

/**
 * Nothing is loaded from elsewhere, nothing inline runs, and no connection is opened. The toolkit finds the
 * nonce in `csp-nonce` for the style element by which it asks what the browser can do.
 */
export function page({ source, script, style, nonce, language, title }: Page): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source} 'nonce-${nonce}'`,
    "img-src data:",
    `font-src ${source}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta property="csp-nonce" content="${escaped(nonce)}">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${escaped(style)}">
</head>
<body>
<main id="panel"></main>
<script nonce="${escaped(nonce)}" src="${escaped(script)}"></script>
</body>
</html>
`;
}

const escaped = (text: string): string =>
  text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
