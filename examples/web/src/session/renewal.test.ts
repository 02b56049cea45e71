import { expect, test, vi } from "vitest";
import { currentToken, type Renewable, type Renewal } from "./renewal.ts";

const HOUR_MS = 3_600_000;

class Spent extends Error {}
class Over extends Error {}

function kept(n: number, lastsMs = HOUR_MS): Renewable {
  return { token: `token ${n}`, refresh: `refresh ${n}`, expiresMs: Date.now() + lastsMs };
}

/** A store, and a provider that takes each refresh token once. */
function world(first: Renewable | undefined, lastsMs = HOUR_MS) {
  let there = first;
  const taken = new Set<string>();
  let count = 1;
  const ask = vi.fn(async (_: Renewable, refresh: string) => {
    if (taken.has(refresh)) throw new Spent();
    taken.add(refresh);
    count += 1;
    return kept(count, lastsMs);
  });
  const renewal: Renewal<Renewable> = {
    load: async () => there,
    save: async (next) => {
      there = next;
    },
    ask,
    isSpent: (error) => error instanceof Spent,
    over: () => new Over(),
  };
  return { renewal, ask, taken, put: (next: Renewable | undefined) => (there = next), get: () => there };
}

test("a token that is good for a while is used as it is", async () => {
  const { renewal, ask } = world(kept(1));
  expect(await currentToken(renewal, false)).toBe("token 1");
  expect(ask).not.toHaveBeenCalled();
});

test("one that ends soon is followed by the next, which is kept before it is used", async () => {
  const { renewal, get } = world(kept(1, 1000));
  expect(await currentToken(renewal, false)).toBe("token 2");
  expect(get()).toMatchObject({ token: "token 2", refresh: "refresh 2" });
});

test("a token that can't be kept isn't used", async () => {
  const { renewal } = world(kept(1, 1000));
  renewal.save = async () => {
    throw new Error("full");
  };
  await expect(currentToken(renewal, false)).rejects.toThrow("full");
});

test("where another tab was faster, what that has kept is used", async () => {
  const { renewal, taken, put, ask } = world(kept(1));
  taken.add("refresh 1");
  ask.mockImplementationOnce(async () => {
    put(kept(7));
    throw new Spent();
  });
  expect(await currentToken(renewal, true)).toBe("token 7");
  expect(ask).toHaveBeenCalledTimes(1);
});

test("where that is about to end, it is renewed in its turn", async () => {
  const { renewal, put, ask } = world(kept(1));
  ask.mockImplementationOnce(async () => {
    put(kept(7, 1000));
    throw new Spent();
  });
  expect(await currentToken(renewal, true)).toBe("token 2");
  expect(ask.mock.calls.map(([, refresh]) => refresh)).toEqual(["refresh 1", "refresh 7"]);
});

test("a refresh token that is spent, with no other in its place, ends the session", async () => {
  const { renewal, taken, ask } = world(kept(1, 1000));
  taken.add("refresh 1");
  await expect(currentToken(renewal, false)).rejects.toBeInstanceOf(Over);
  expect(ask).toHaveBeenCalledTimes(1);
});

test("without a network the session stays", async () => {
  const { renewal, ask, get } = world(kept(1, 1000));
  ask.mockRejectedValueOnce(new TypeError("away"));
  await expect(currentToken(renewal, false)).rejects.toThrow("away");
  expect(get()).toMatchObject({ refresh: "refresh 1" });
  expect(await currentToken(renewal, false)).toBe("token 2");
});

test("whoever is signed out has no token", async () => {
  await expect(currentToken(world(undefined).renewal, false)).rejects.toBeInstanceOf(Over);
});
