import { describe, expect, it } from "vitest";
import { LinkError, parseSignInLink } from "./link.js";

const PIN = "ab".repeat(32);

function fault(text: string): string {
  try {
    parseSignInLink(text);
    return "none";
  } catch (error) {
    return error instanceof LinkError ? error.fault : String(error);
  }
}

describe("a link of the server's", () => {
  it("is read with its code and host, with a pin or without", () => {
    const read = { code: "abc", isInvite: false, url: "https://chat.example.org" };
    expect(parseSignInLink("parlour://chat.example.org:4433/sign-in#code=abc")).toEqual(read);
    expect(parseSignInLink(` parlour://chat.example.org:4433/sign-in#code=abc&pin=${PIN}\n`)).toEqual(read);
    expect(parseSignInLink("parlour://[::1]:4433/invite#code=x")).toMatchObject({
      isInvite: true,
      url: "https://[::1]",
    });
  });

  it("is refused with what is wrong", () => {
    expect(fault("chat.example.org:4433/sign-in#code=abc")).toBe("address");
    expect(fault("parlour://chat.example.org/sign-in#code=abc")).toBe("address");
    expect(fault("parlour://chat.example.org:4433")).toBe("address");
    expect(fault("parlour://me@chat.example.org:4433/sign-in#code=abc")).toBe("address");
    expect(fault("parlour://chat.example.org:4433/sign-out#code=abc")).toBe("kind");
    expect(fault("parlour://chat.example.org:4433/sign-in#code=")).toBe("code");
    expect(fault("parlour://chat.example.org:4433/sign-in")).toBe("code");
    expect(fault("parlour://chat.example.org:4433/sign-in#code=abc&pin=abc")).toBe("pin");
  });
});

describe("a link to a page", () => {
  it("is read from the fragment of any path", () => {
    const read = { code: "a-b_c", isInvite: false, url: "https://chat.example.org" };
    expect(parseSignInLink("https://chat.example.org/#sign-in=a-b_c")).toEqual(read);
    expect(parseSignInLink("http://localhost:8080/app/?x=1#a=b&invite=a%2Bb")).toEqual({
      code: "a+b",
      isInvite: true,
      url: "http://localhost:8080",
    });
  });

  it("is refused with what is wrong", () => {
    expect(fault("https://chat.example.org/")).toBe("kind");
    expect(fault("https://chat.example.org/?sign-in=abc")).toBe("kind");
    expect(fault("https://chat.example.org/#sign-in=")).toBe("code");
    expect(fault("https://chat.example.org/#sign-in=%F")).toBe("code");
    expect(fault("https:///#sign-in=abc")).toBe("address");
    expect(fault("javascript:alert(1)#sign-in=abc")).toBe("address");
  });

  it("says nothing of what it was where it is none", () => {
    expect(new LinkError("code").message).toBe("no sign-in link: code");
  });
});
