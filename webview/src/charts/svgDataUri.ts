/** A picture as an address, safe between the parentheses of a Markdown image. */
export function svgDataUri(svg: string): string {
  const encoded = encodeURIComponent(svg.replace(/\p{Cs}/gu, " "));
  return `data:image/svg+xml,${encoded.replace(/[()*!]/g, hex).replace(/%(?:2C|3A|3B|3D|2F)/g, decodeURIComponent)}`;
}

const hex = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
