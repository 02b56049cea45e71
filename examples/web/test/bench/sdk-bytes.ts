/** `sdk-bytes`: what each entry point of the SDK costs a page, gzipped. */

import { join } from "node:path";
import { print } from "./figure.ts";

/** "About 30 KB" of the client without encryption and calls. */
const GOAL_BYTES = 30 * 1024;
const SCRIPT = join(import.meta.dirname, "../../../../bindings/web/scripts/size.mjs");

interface Sizes {
  readonly BESIDE: readonly string[];
  measure(entry: string): Promise<{ gzip: number }>;
  addition(name: string, client: { gzip: number }): Promise<number>;
}

/** Measures all of them. */
export async function sdkBytes(): Promise<void> {
  const { BESIDE, measure, addition } = (await import(SCRIPT)) as Sizes;
  const bench = "sdk-bytes";
  const unit = "bytes";
  const client = await measure("index.ts");
  print({ bench, params: { entry: "." }, unit, values: [client.gzip], goal: GOAL_BYTES });
  for (const name of BESIDE) {
    const params = { entry: `./${name}`, beside: "." };
    print({ bench, params, unit, values: [await addition(name, client)] });
  }
  const { gzip } = await measure("proto.ts");
  print({ bench, params: { entry: "./proto" }, unit, values: [gzip] });
}
