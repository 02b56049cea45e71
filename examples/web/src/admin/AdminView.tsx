/** The administration: what of the organization the user's token lets them look after. */

import { ArrowLeft } from "lucide-react";
import { useEffect } from "react";
import { useActivity } from "../app/looked-at.ts";
import { go, hashOf } from "../app/route.ts";
import { Missing, Section } from "./parts/Section.tsx";
import { PARTS, type Part } from "./parts.ts";
import { useScopes } from "./scopes.ts";
import { useAdminText } from "./text.ts";
import "./admin.css";

const INVISIBLE = "parlour.invisible";
/** A room for the list and one part beside each other. */
const WIDE = "(min-width: 721px)";

interface Props {
  part: string | undefined;
  open: string | undefined;
}

/** The page. */
export function AdminView({ part: id, open }: Props) {
  const { t } = useAdminText();
  const scopes = useScopes();
  useActivity(sessionStorage.getItem(INVISIBLE) === "yes");
  const isAllowed = (it: Part) => it.scopes.some((scope) => scopes.has(scope));
  const first = PARTS.find(isAllowed) ?? PARTS[0];
  const part = PARTS.find((it) => it.id === id);
  useEffect(() => {
    if (!part && first && matchMedia(WIDE).matches) go(hashOf.admin(first.id), { replace: true });
  }, [part, first]);
  const shows = part ? (open === undefined ? "pane" : "aside") : "rooms";
  return (
    <div className="shell admin" data-shows={shows} data-part={part?.id}>
      <Parts here={part} isAllowed={isAllowed} />
      {part && (isAllowed(part) ? <part.View key={part.id} open={open} /> : <NotAllowed part={part} />)}
      {!part && <main className="pane" aria-label={t("title")} />}
    </div>
  );
}

function NotAllowed({ part }: { part: Part }) {
  const { t } = useAdminText();
  return (
    <Section title={t(`part.${part.id}`)}>
      <Missing scopes={part.scopes} />
    </Section>
  );
}

interface PartsProps {
  here: Part | undefined;
  isAllowed: (part: Part) => boolean;
}

/** The list of parts, and the way back. */
function Parts({ here, isAllowed }: PartsProps) {
  const { t } = useAdminText();
  const missing = PARTS.filter((part) => !isAllowed(part));
  return (
    <nav className="sidebar admin-nav" aria-label={t("title")}>
      <a className="admin-back" href={hashOf.home()}>
        <ArrowLeft size={16} strokeWidth={1.75} aria-hidden className="turn" /> {t("nav.back")}
      </a>
      <h2>{t("title")}</h2>
      <ul>
        {PARTS.filter(isAllowed).map(({ id, icon: Icon }) => (
          <li key={id}>
            <a
              className={`admin-part ${here?.id === id ? "room-here" : ""}`}
              href={hashOf.admin(id)}
              aria-current={here?.id === id ? "page" : undefined}
            >
              <Icon size={17} strokeWidth={1.75} aria-hidden /> {t(`part.${id}`)}
            </a>
          </li>
        ))}
      </ul>
      {missing.length > 0 && (
        <div className="admin-missing">
          <p>{t("nav.missing")}</p>
          <ul>
            {missing.map(({ id, scopes }) => (
              <li key={id}>
                {t(`part.${id}`)} <code dir="ltr">{scopes.join(", ")}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
    </nav>
  );
}
