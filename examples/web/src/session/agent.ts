/** What this browser is called where people see where they are signed in. */

interface Brands {
  readonly userAgentData?: { readonly platform?: string };
}

const BROWSERS: readonly [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrom(e|ium)\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|macOS/, "macOS"],
  [/CrOS|Chrome OS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** Such as `Firefox, Linux`; empty where neither is known. */
export function deviceOf(userAgent: string, platform = ""): string {
  const find = (list: readonly [RegExp, string][], text: string) =>
    list.find(([sign]) => sign.test(text))?.[1];
  const words = [find(BROWSERS, userAgent), find(SYSTEMS, `${userAgent} ${platform}`)];
  return words.filter((word) => word !== undefined).join(", ");
}

/** Such as `Parlour (Firefox, Linux)`. */
export function agentOf(userAgent: string, platform = ""): string {
  const device = deviceOf(userAgent, platform);
  return device === "" ? "Parlour" : `Parlour (${device})`;
}

/** What this device may be called among others of its user. */
export function device(): string {
  return deviceOf(navigator.userAgent, (navigator as Brands).userAgentData?.platform);
}

/** The same of this browser. */
export function agent(): string {
  return agentOf(navigator.userAgent, (navigator as Brands).userAgentData?.platform);
}
