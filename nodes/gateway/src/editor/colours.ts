/** One colour a gateway, the same in badges and sidebar; told apart by people who see red and green alike. */
const PALETTE = ['#0072b2', '#d55e00', '#007f5f', '#b0458a', '#7a5c00', '#5b4fc4', '#2f7d95', '#8c3b2e'];

export function colourOf(gateway: string): string {
  let hash = 7;
  for (const letter of gateway) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return PALETTE[hash % PALETTE.length]!;
}

const assigned = new Map<string, string>();

/** Gateways of a small fleet never share a colour: the first eight get one each, in order of id. */
export function assignColours(ids: readonly string[]): void {
  assigned.clear();
  [...ids].sort().forEach((id, at) => {
    if (at < PALETTE.length) assigned.set(id, PALETTE[at]!);
  });
}

export const gatewayColour = (id: string): string => assigned.get(id) ?? colourOf(id);
