/** Grey bars where something will be in a moment, so that the page doesn't jump when it comes. */

const WIDTHS = [62, 44, 78, 53, 36, 69, 48];

/** Rooms that will be there. */
export function RoomSkeleton() {
  return (
    <div className="skeleton skeleton-rooms" aria-hidden>
      {WIDTHS.map((width) => (
        <span key={width} style={{ inlineSize: `${width}%` }} />
      ))}
    </div>
  );
}

/** Messages that will be there. */
export function MessageSkeleton() {
  return (
    <div className="skeleton skeleton-messages" aria-hidden>
      {WIDTHS.map((width) => (
        <div key={width}>
          <i />
          <span style={{ inlineSize: `${width / 4}%` }} />
          <span style={{ inlineSize: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}
