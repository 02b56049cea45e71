/** The organization's tree, and the node that is chosen in it. */

import { directory } from "@parlour/client/admin";
import { Network, Plus } from "lucide-react";
import { useState } from "react";
import { go, hashOf } from "../../app/route.ts";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { useLoaded } from "../loaded.ts";
import { CheckField, SearchField } from "../parts/Fields.tsx";
import { Section, Waiting } from "../parts/Section.tsx";
import type { PartProps } from "../parts.ts";
import { useAdminText } from "../text.ts";
import { FoundDialog, NewNodeDialog } from "./NodeDialogs.tsx";
import { NodePanel } from "./NodePanel.tsx";
import { NodeTree } from "./NodeTree.tsx";
import { shownOf } from "./tree.ts";

/** How the address names the organization, whose key is empty. */
const ROOT = "@";

/** The part. */
export function DirectoryPart({ open }: PartProps) {
  const { t } = useAdminText();
  const client = useClient();
  const nodes = useLoaded((options) => directory(client, options));
  const [query, setQuery] = useState("");
  const [hasArchived, setArchived] = useState(false);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [isNew, setNew] = useState(false);
  const all = nodes.value ?? [];
  const key = open === ROOT ? "" : open;
  const chosen = all.find((node) => node.key === key);
  const root = all.find((node) => node.kind === "organization");
  const shown = shownOf(all, { closed, query, archived: hasArchived });
  const choose = (to: string) => go(hashOf.admin("directory", to || ROOT));
  return (
    <>
      <Section
        title={t("part.directory")}
        detail={t("directory.count", { n: all.length })}
        tools={
          root && (
            <Button look="main" onClick={() => setNew(true)}>
              <Plus size={16} aria-hidden /> {t("node.new")}
            </Button>
          )
        }
      >
        <div className="admin-bar">
          <SearchField label={t("directory.search")} value={query} onText={setQuery} />
          <CheckField label={t("directory.archived")} isOn={hasArchived} onTurn={setArchived} />
        </div>
        <Waiting of={nodes} />
        {nodes.value?.length === 0 && <NoDirectory onFound={nodes.reload} />}
        {nodes.value && all.length > 0 && shown.length === 0 && (
          <p className="empty-line">{t("directory.none")}</p>
        )}
        <NodeTree
          nodes={shown}
          all={all}
          chosen={chosen?.key}
          closed={closed}
          onClose={setClosed}
          onChoose={choose}
        />
      </Section>
      {chosen && <NodePanel key={chosen.key} node={chosen} nodes={all} onChanged={nodes.reload} />}
      {isNew && root && (
        <NewNodeDialog
          nodes={all}
          above={chosen ?? root}
          onClose={() => setNew(false)}
          onMade={(made) => {
            nodes.reload();
            choose(made);
          }}
        />
      )}
    </>
  );
}

function NoDirectory({ onFound }: { onFound: () => void }) {
  const { t } = useAdminText();
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="empty">
      <Network size={30} strokeWidth={1.25} aria-hidden />
      <h2>{t("directory.absent")}</h2>
      <p>{t("directory.absent-why")}</p>
      <Button look="main" onClick={() => setOpen(true)}>
        {t("directory.found")}
      </Button>
      {isOpen && <FoundDialog onClose={() => setOpen(false)} onFound={onFound} />}
    </div>
  );
}
