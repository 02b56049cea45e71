/** What didn't work, in a dialog or form. */

/** Said by screen readers at once. */
export function Failure({ text }: { text: string }) {
  return (
    <p className="failure" role="alert">
      {text}
    </p>
  );
}
