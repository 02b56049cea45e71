import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { ParlourError } from "../errors.js";
import { IndexedDbLoginStore, LocalLoginStore, type LoginStore, type TextStorage } from "./store.js";

let names = 0;

function storage(): TextStorage {
  const texts = new Map<string, string>();
  return {
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => void texts.set(key, value),
    removeItem: (key) => void texts.delete(key),
  };
}

/** What the port promises. `again` is the store as another visit has it. */
function conforms(make: () => { store: LoginStore; again: LoginStore }): void {
  it("has what was saved last, also at the next visit", async () => {
    const { store, again } = make();
    expect(await store.load()).toBeUndefined();
    await store.save("one");
    await store.save("two");
    expect(await again.load()).toBe("two");
    await again.remove();
    expect(await store.load()).toBeUndefined();
  });

  it("lets one after the other use it, whatever becomes of the work", async () => {
    const { store, again } = make();
    const steps: string[] = [];
    const work = (name: string) => async () => {
      steps.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      steps.push(`${name} ends`);
      if (name === "a") throw new Error("a");
      return name;
    };
    const all = [store.exclusively(work("a")), again.exclusively(work("b")), store.exclusively(work("c"))];
    const settled = await Promise.allSettled(all);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(steps).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });
}

describe("a login's place in IndexedDB", () => {
  conforms(() => {
    const name = `login-${names++}`;
    return { store: new IndexedDbLoginStore(name), again: new IndexedDbLoginStore(name) };
  });
});

describe("a login's place in localStorage", () => {
  conforms(() => {
    const [name, texts] = [`login-${names++}`, storage()];
    const make = () => new LocalLoginStore(name, () => texts);
    return { store: make(), again: make() };
  });

  it("fails as a cache does where it isn't to be had", async () => {
    const store = new LocalLoginStore("none", () => {
      throw new Error("not allowed");
    });
    await expect(store.load()).rejects.toBeInstanceOf(ParlourError);
    await expect(store.save("x")).rejects.toMatchObject({ kind: "cache" });
  });
});
