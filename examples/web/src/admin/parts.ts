/** The parts of the administration, and one of which scopes each of them takes. */

import { ADMIN_SCOPES, type AdminScope } from "@parlour/client/admin";
import {
  Activity,
  Flag,
  KeyRound,
  type LucideIcon,
  MonitorSmartphone,
  Network,
  ScrollText,
  Users,
} from "lucide-react";
import type { ComponentType } from "react";
import { AuditPart } from "./audit/AuditPart.tsx";
import { DirectoryPart } from "./directory/DirectoryPart.tsx";
import { HealthPart } from "./health/HealthPart.tsx";
import { InvitesPart } from "./invites/InvitesPart.tsx";
import { PeoplePart } from "./people/PeoplePart.tsx";
import { ReportsPart } from "./reports/ReportsPart.tsx";
import { SessionsPart } from "./sessions/SessionsPart.tsx";

/** What a part is given: what is open in it, as the address has it. */
export interface PartProps {
  readonly open: string | undefined;
}

/** A part. */
export interface Part {
  readonly id: "directory" | "people" | "invites" | "sessions" | "audit" | "reports" | "health";
  readonly icon: LucideIcon;
  readonly scopes: readonly AdminScope[];
  readonly View: ComponentType<PartProps>;
}

/** All of them, in the order of the list. */
export const PARTS: readonly Part[] = [
  { id: "directory", icon: Network, scopes: ["admin:directory"], View: DirectoryPart },
  { id: "people", icon: Users, scopes: ["admin:directory", "admin:accounts"], View: PeoplePart },
  { id: "invites", icon: KeyRound, scopes: ["admin:accounts"], View: InvitesPart },
  {
    id: "sessions",
    icon: MonitorSmartphone,
    scopes: ["admin:sessions", "admin:accounts"],
    View: SessionsPart,
  },
  { id: "audit", icon: ScrollText, scopes: ["admin:audit"], View: AuditPart },
  { id: "reports", icon: Flag, scopes: ["admin:moderation"], View: ReportsPart },
  { id: "health", icon: Activity, scopes: ADMIN_SCOPES, View: HealthPart },
];
