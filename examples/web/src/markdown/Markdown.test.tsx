import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test, vi } from "vitest";
import { safeHref } from "./link.ts";
import { Markdown } from "./Markdown.tsx";
import { isJumbo, parse, plain } from "./parse.ts";

vi.mock("./CodeBlock.tsx", () => ({ CodeBlock: ({ code }: { code: string }) => <pre>{code}</pre> }));

const html = (text: string) => renderToStaticMarkup(<Markdown text={text} marks={[]} />);

/** Everything but these tags and attributes is a hole. */
const ALLOWED =
  /^<\/?(?:p|a|em|strong|del|code|pre|br|ul|ol|li|blockquote|hr|div|table|thead|tbody|tr|th|td|span|bdi|button)(?: (?:class|role|href|title|target|rel|dir|start|scope|tabindex|aria-label|aria-hidden|type)="[^"<>]*")*\/?>$/;

function tagsOf(markup: string): string[] {
  return markup.match(/<[^>]*>/g) ?? [];
}

const NASTY = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "<a href='javascript:alert(1)'>x</a>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\nscript:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:msgbox(1))",
  "[x](file:///etc/passwd)",
  "![x](javascript:alert(1))",
  '![x](https://example.com/a.png "onerror=alert(1)")',
  '[x](https://example.com/" onmouseover="alert(1))',
  '<https://example.com/"onclick=alert(1)>',
  "[a]: javascript:alert(1)\n\n[a]",
  "`<b>`",
  "```html\n<script>alert(1)</script>\n```",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "| <b>a</b> | b |\n|---|---|\n| <i onclick=x> | [c](javascript:1) |",
  "<!-- --><style>*{display:none}</style>",
  "[\u202Etxt.exe](https://example.com)",
];

describe("a text of somebody else", () => {
  test.each(NASTY)("makes nothing but allowed elements: %j", (text) => {
    const markup = html(text);
    for (const tag of tagsOf(markup)) expect(tag).toMatch(ALLOWED);
    for (const [, href = ""] of markup.matchAll(/href="([^"]*)"/g))
      expect(href).toMatch(/^(https?:|mailto:)/);
  });

  test("shows markup as it was written", () => {
    expect(html("<b>bold</b>")).toContain("&lt;b&gt;");
  });

  test("never fetches a picture", () => {
    const markup = html("![cat](https://example.com/cat.png)");
    expect(markup).not.toContain("<img");
    expect(markup).toContain('href="https://example.com/cat.png"');
  });

  test.each([
    ["stars", "*".repeat(16_000)],
    ["brackets", "[".repeat(16_000)],
    ["openings", "[a](".repeat(4000)],
    ["quotes", ">".repeat(16_000)],
    ["spaced quotes", "> ".repeat(8000)],
    ["nested lists", Array.from({ length: 120 }, (_, at) => `${" ".repeat(at * 2)}- x`).join("\n")],
    ["ticks", "`a".repeat(8000)],
    ["underscores", "_a ".repeat(5000)],
    ["emphasis", "*a **b ".repeat(2200)],
    ["tables", `|${"a|".repeat(7000)}\n|${"-|".repeat(800)}`],
    ["angles", "<a ".repeat(5000)],
    ["entities", "&#x41;".repeat(2600)],
    ["long word", "a".repeat(16_000)],
    ["tildes", "~".repeat(16_000)],
    ["html", "<!--".repeat(4000)],
  ])("takes no time to read: %s", (_, text) => {
    // What is quadratic takes minutes; a machine with other things to do may take a moment.
    const beginMs = performance.now();
    html(text);
    expect(performance.now() - beginMs).toBeLessThan(3000);
  });
});

describe("formatting", () => {
  test("is drawn", () => {
    expect(html("**a** _b_ ~~c~~ `d`")).toBe(
      '<p><strong>a</strong> <em>b</em> <del>c</del> <code dir="ltr">d</code></p>',
    );
  });

  test("keeps line breaks", () => {
    expect(html("a\nb")).toBe("<p>a<br/>b</p>");
  });

  test("links what looks like an address", () => {
    expect(html("see www.example.com.")).toContain('href="http://www.example.com/"');
  });

  test("shows mentions as the message has them, and nobody else", () => {
    const marks = [
      { label: "@Yuki Tanaka", isMe: false },
      { label: "@Yuki", isMe: false },
    ];
    const markup = renderToStaticMarkup(
      <Markdown text="@Yuki Tanaka and @Yukina and @Jonas" marks={marks} />,
    );
    expect(markup.match(/class="mention/g)).toHaveLength(1);
    expect(markup).toContain("<bdi>@Yuki Tanaka</bdi>");
  });
});

test("one to three emoji are shown large, words aren't", () => {
  expect(isJumbo("👩‍🚀 🇸🇪 👍🏽")).toBe(true);
  expect(isJumbo("👍👍👍👍")).toBe(false);
  expect(isJumbo("1 👍")).toBe(false);
  expect(isJumbo("12")).toBe(false);
});

test("a quote has no marks", () => {
  expect(plain("## Hello **you**\n> a [link](https://example.com)\n- `code`")).toBe("Hello you a link code");
});

test("what is kept of trees doesn't grow without a bound", () => {
  for (let at = 0; at < 2000; at++) parse(`text ${at}`);
  expect(parse("text 1999")).toBe(parse("text 1999"));
});

test("addresses with hidden signs are none", () => {
  expect(safeHref("https://example.com/\u202Egnp.exe")).toBeUndefined();
  expect(safeHref("https://exa\u200Bmple.com")).toBeUndefined();
  expect(safeHref("mailto:a@example.com")).toBe("mailto:a@example.com");
  expect(safeHref("/relative")).toBeUndefined();
});
