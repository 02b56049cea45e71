/** The frame: rooms, the room that is open, what stands beside it, and the dialogs above. */

import { MessageCircle } from "lucide-react";
import { type ComponentType, lazy, Suspense, useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useNotifications } from "../notify/notify.ts";
import { QuickSwitcher } from "../rooms/QuickSwitcher.tsx";
import { RoomView } from "../rooms/RoomView.tsx";
import { type Opening, Sidebar } from "../rooms/Sidebar.tsx";
import { searchFromHere } from "../search/search-here.ts";
import { useSearching } from "../search/searching.ts";
import { ThreadsView } from "../threads/ThreadsView.tsx";
import { useAnnounced } from "../timeline/announce.ts";
import { Button } from "../ui/Button.tsx";
import { Toasts } from "../ui/toast.tsx";
import { ConnectionLine } from "./Connection.tsx";
import { useRoute } from "./route.ts";

type Opened = ComponentType<{ onClose: () => void }>;

const InboxView = lazy(() => import("../inbox/InboxView.tsx").then((it) => ({ default: it.InboxView })));
const PeopleView = lazy(() => import("../people/PeopleView.tsx").then((it) => ({ default: it.PeopleView })));

/** What isn't needed at once is fetched when it is opened. */
const DIALOGS: Record<Opening, Opened> = {
  switch: QuickSwitcher,
  direct: lazy(() => import("../rooms/NewRoom.tsx").then((it) => ({ default: it.NewDirectDialog }))),
  group: lazy(() => import("../rooms/NewRoom.tsx").then((it) => ({ default: it.NewGroupDialog }))),
  browse: lazy(() => import("../rooms/BrowseDialog.tsx").then((it) => ({ default: it.BrowseDialog }))),
  settings: lazy(() =>
    import("../settings/SettingsDialog.tsx").then((it) => ({ default: it.SettingsDialog })),
  ),
  status: lazy(() => import("../people/StatusDialog.tsx").then((it) => ({ default: it.StatusDialog }))),
};

const AdminView = lazy(() => import("../admin/AdminView.tsx").then((it) => ({ default: it.AdminView })));
const SearchPanel = lazy(() =>
  import("../search/SearchPanel.tsx").then((it) => ({ default: it.SearchPanel })),
);

/** The app of somebody who is signed in. */
export function Shell() {
  const route = useRoute();
  const said = useAnnounced();
  const [opening, setOpening] = useState<Opening>();
  const Opened = opening && DIALOGS[opening];
  useNotifications();
  useSwitchKey(() => setOpening("switch"));
  const isSearching = useSearching().isOpen && !(route.is === "room" && route.aside);
  useSearchKey();
  const shows = isSearching
    ? "aside"
    : route.is === "home"
      ? "rooms"
      : route.is === "room" && route.aside
        ? "aside"
        : "pane";
  return (
    <div className="page">
      <ConnectionLine />
      {route.is === "admin" ? (
        <Suspense fallback={<main className="shell" aria-busy />}>
          <AdminView part={route.part} open={route.open} />
        </Suspense>
      ) : (
        <div className="shell" data-shows={shows}>
          <Sidebar onOpen={setOpening} />
          {route.is === "room" && (
            <RoomView key={route.room} id={route.room} aside={route.aside} at={route.at} />
          )}
          {route.is === "threads" && <ThreadsView />}
          <Suspense fallback={<main className="pane" aria-busy />}>
            {route.is === "inbox" && <InboxView tab={route.tab} />}
            {route.is === "people" && <PeopleView />}
          </Suspense>
          {route.is === "home" && <Home onOpen={setOpening} />}
          {isSearching && (
            <Suspense>
              <SearchPanel />
            </Suspense>
          )}
        </div>
      )}
      <Suspense>{Opened && <Opened onClose={() => setOpening(undefined)} />}</Suspense>
      <Toasts />
      <p className="visually-hidden" aria-live="polite" aria-atomic>
        {said}
      </p>
    </div>
  );
}

/** Ctrl+Shift+F, or Cmd+Shift+F, searches from wherever the user is. */
function useSearchKey(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isIt = event.key.toLowerCase() === "f" && (event.ctrlKey || event.metaKey) && event.shiftKey;
      if (!isIt || event.altKey) return;
      event.preventDefault();
      searchFromHere();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

/** Ctrl+K, or Cmd+K, wherever the focus is. */
function useSwitchKey(onPress: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (
        event.key.toLowerCase() !== "k" ||
        !(event.ctrlKey || event.metaKey) ||
        event.shiftKey ||
        event.altKey
      )
        return;
      event.preventDefault();
      onPress();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [onPress]);
}

function Home({ onOpen }: { onOpen: (what: Opening) => void }) {
  const { t } = useText();
  return (
    <main className="pane pane-home" aria-label={t("nav.home")}>
      <div className="empty">
        <MessageCircle size={40} strokeWidth={1.1} aria-hidden />
        <h1>{t("home.title")}</h1>
        <p>{t("home.why")}</p>
        <div className="empty-actions">
          <Button look="main" onClick={() => onOpen("direct")}>
            {t("open.direct")}
          </Button>
          <Button onClick={() => onOpen("browse")}>{t("open.browse")}</Button>
        </div>
      </div>
    </main>
  );
}
