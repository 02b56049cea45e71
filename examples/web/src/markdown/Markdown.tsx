/** A message's text, drawn from its tree as elements of a short list. */

import type { Token, Tokens } from "marked";
import { Fragment, type ReactNode, useMemo } from "react";
import { CodeBlock } from "./CodeBlock.tsx";
import { safeHref } from "./link.ts";
import { type Marks, marked } from "./marks.tsx";
import { DEPTH_MAX, isJumbo, parse } from "./parse.ts";

interface Props {
  text: string;
  /** What is to be found in the text besides its structure: who is mentioned. */
  marks: Marks;
}

/** The text of a message. */
export function Markdown({ text, marks }: Props) {
  const tokens = useMemo(() => parse(text), [text]);
  if (isJumbo(text)) return <p className="jumbo">{text}</p>;
  if (!tokens) return <p className="as-written">{marked(text, marks)}</p>;
  return <Block tokens={tokens} marks={marks} depth={0} />;
}

interface Nodes {
  tokens: readonly Token[];
  marks: Marks;
  depth: number;
}

function Block({ tokens, marks, depth }: Nodes): ReactNode {
  return tokens.map((token, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text's tree never changes in place.
    <Fragment key={at}>{block(token as Tokens.Generic, marks, depth)}</Fragment>
  ));
}

function block(token: Tokens.Generic, marks: Marks, depth: number): ReactNode {
  if (depth > DEPTH_MAX) return token.raw;
  const inner = token.tokens ?? [];
  const next = { marks, depth: depth + 1 };
  switch (token.type) {
    case "space":
      return null;
    case "paragraph":
      return (
        <p>
          <Inline tokens={inner} {...next} />
        </p>
      );
    case "heading":
      return (
        <p className={`heading heading-${Math.min(Number(token.depth), 3)}`}>
          <Inline tokens={inner} {...next} />
        </p>
      );
    case "blockquote":
      return (
        <blockquote>
          <Block tokens={inner} {...next} />
        </blockquote>
      );
    case "code":
      return <CodeBlock code={String(token.text)} language={String(token.lang ?? "")} />;
    case "hr":
      return <hr />;
    case "list":
      return <List list={token as Tokens.List} {...next} />;
    case "table":
      return <Table table={token as Tokens.Table} {...next} />;
    case "text":
      return inner.length > 0 ? <Inline tokens={inner} {...next} /> : marked(String(token.text), marks);
    default:
      return <p className="as-written">{marked(token.raw.trimEnd(), marks)}</p>;
  }
}

function List({ list, marks, depth }: { list: Tokens.List; marks: Marks; depth: number }) {
  const items = list.items.map((item, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text's tree never changes in place.
    <li key={at} className={item.task ? "task" : undefined}>
      {item.task && <span className={item.checked ? "box box-done" : "box"} aria-hidden />}
      <Block tokens={item.tokens.filter(({ type }) => type !== "checkbox")} marks={marks} depth={depth} />
    </li>
  ));
  const start = Number(list.start);
  return list.ordered ? <ol start={Number.isSafeInteger(start) ? start : 1}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table, marks, depth }: { table: Tokens.Table; marks: Marks; depth: number }) {
  const cell = (it: Tokens.TableCell) => <Inline tokens={it.tokens} marks={marks} depth={depth} />;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of nothing to fill in is no fieldset.
    <div
      className="table"
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
      tabIndex={0}
      aria-label={table.header.map(({ text }) => text).join(", ")}
    >
      <table>
        <thead>
          <tr>
            {table.header.map((it, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a text's tree never changes in place.
              <th key={at} scope="col">
                {cell(it)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a text's tree never changes in place.
            <tr key={at}>
              {row.map((it, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a text's tree never changes in place.
                <td key={place}>{cell(it)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Inline({ tokens, marks, depth }: Nodes): ReactNode {
  return tokens.map((token, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text's tree never changes in place.
    <Fragment key={at}>{inline(token as Tokens.Generic, marks, depth)}</Fragment>
  ));
}

function inline(token: Tokens.Generic, marks: Marks, depth: number): ReactNode {
  if (depth > DEPTH_MAX) return token.raw;
  const nested = () => <Inline tokens={token.tokens ?? []} marks={marks} depth={depth + 1} />;
  switch (token.type) {
    case "strong":
      return <strong>{nested()}</strong>;
    case "em":
      return <em>{nested()}</em>;
    case "del":
      return <del>{nested()}</del>;
    case "codespan":
      return <code dir="ltr">{String(token.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link href={String(token.href)}>{nested()}</Link>;
    case "image":
      // Pictures from elsewhere are links: showing them would tell their host who has read the message.
      return <Link href={String(token.href)}>{String(token.text) || String(token.href)}</Link>;
    case "escape":
      return String(token.text);
    case "text":
      return token.tokens ? nested() : marked(String(token.text), marks);
    case "checkbox":
      return null;
    default:
      return marked(token.raw, marks);
  }
}

function Link({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeHref(href.startsWith("www.") ? `https://${href}` : href);
  if (!safe) return children;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
