// The values that the pages share. They follow docs/openapi.yaml and the modules in winlogd/web.

type State = "in_use" | "doubtful" | "free" | "silent" | "never_seen" | "out_of_order";

interface MachineUser {
  username: string;
  connected_at: string | null;
  certainty: "certain" | "presumed" | "doubtful";
  doubt: string | null;
}

interface Machine {
  hostname: string;
  room: string | null;
  state: State;
  users: MachineUser[];
  last_user: string | null;
  last_contact: string | null;
  os_name: string | null;
  os_version: string | null;
  source_ip: string | null;
}

interface Room {
  name: string | null;
  machines: number;
  in_use: number;
  doubtful: number;
  free: number | null;
  free_unknown: string | null;
  silent: number;
  never_seen: number;
  out_of_order: number;
}

/** The counts of an hour or a day. */
interface Count {
  begins_at: string;
  logons: number;
  users: number;
  most: number;
}

/** The counts of an hour of the week. */
interface WeekHour {
  /** 0 for Monday. */
  weekday: number;
  hour: number;
  hours: number;
  logons: number;
  users: number;
  most: number;
  most_at: string;
}

/** Who reads. */
interface Me {
  reader: string;
  scope: "wall" | "metrics" | "now" | "all" | "audit";
  rooms: string | null;
  by: "cookie" | "token" | "loopback";
  /** The paths of the pages that the reader may open. */
  pages: string[];
}

/** A row of the readers' log. */
interface Look {
  at: string;
  reader: string;
  kind: string;
  filter: string;
  address: string;
}

interface Writable {
  is: boolean;
  since: string;
  why: string | null;
}

interface SiteCounts {
  last_event_at: string | null;
  expected: number;
  seen: number;
}

interface Snapshot {
  epoch: string;
  seq: number;
  now: string;
  timezone: string;
  scope: "all" | "now" | "wall";
  writable: Writable;
  history: string;
  site: SiteCounts;
  rooms: Room[];
  machines?: Machine[];
}

interface Change {
  seq: number;
  now: string;
  machines?: Machine[];
  removed?: string[];
  rooms?: Room[];
  writable?: Writable;
  site?: SiteCounts;
  history?: string;
}

/** What the server's clock showed when this browser's showed `heardMs`. */
interface FeedClock {
  kind: "clock";
  now: string;
  heardMs: number;
}

/** A snapshot that a page has loaded by itself. The feed goes on from it. */
interface FirstSnapshot {
  text: string;
  etag: string;
  clock: FeedClock;
}

interface FeedState {
  kind: "feed";
  state: "connecting" | "live" | "polling" | "cut" | "refused";
  /** When the feed was last heard of: ms since 1970, by this browser's clock. */
  since: number | null;
  /** The HTTP status of the answer that ended it; 0 for none. */
  status: number;
}

type FeedMessage =
  | { kind: "snapshot"; text: string }
  | { kind: "change"; change: Change }
  | FeedClock
  | FeedState;

/** What has changed since the last frame. */
interface Changed {
  all: boolean;
  feed: boolean;
  machines: Set<string>;
  rooms: Set<string | null>;
}

/** Where the page is. */
interface Place {
  path: string;
  parts: string[];
  query: URLSearchParams;
}

/** A page that is shown. */
interface Page {
  title: string;
  /** They end all that the page has begun. */
  ends: (() => void)[];
  /** The query has changed, and the path has not. Without this, the page is shown anew. */
  change?(state: Place): void;
  /** True for a page without the header, such as a wall's. */
  isBare?: boolean;
}

/** The answer of /api/v1/search. */
interface SearchAnswer {
  understood: string;
  words: string[];
  people: { username: string; last: string | null; hostname: string | null }[];
  machines: { hostname: string; last: string | null; username: string | null }[];
  rooms: { name: string }[];
  addresses: { source_ip: string; last: string | null; hostname: string | null }[];
  moments: { words: string; from: string; to: string; is_future: boolean; is_now: boolean }[];
  best: "people" | "machines" | "rooms" | "addresses" | null;
  count: SearchCount | null;
}

interface SearchCount {
  people: number;
  doubtful: number;
  is_more: boolean;
  only: { username: string; hostname: string | null; certainty: string } | null;
}

/** A moment, as parameters of an address. */
type Span = { at: string } | { from: string; to: string };

/** A result of the box. */
interface Result {
  name: string;
  details: import("../../winlogd/web/dom.js").Child[];
  address: string;
  /** The address of Now with this as a filter; null if it is none. */
  only: string | null;
  state?: State | undefined;
  room?: string;
}

/** Results of one kind. */
interface Group {
  kind: "people" | "machines" | "rooms" | "addresses" | "moments";
  results: Result[];
  /** So many more were found. */
  left: number;
}

interface Session {
  username: string;
  hostname: string | null;
  room: string | null;
  connected_at: string | null;
  disconnected_at: string | null;
  duration_seconds: number | null;
  state: "open" | "ended";
  ended_by: "client" | "auto" | "expired" | null;
  certainty: "certain" | "presumed" | "doubtful";
  doubt: string | null;
  doubtful_since: string | null;
  source_ip: string | null;
  os_name: string | null;
  os_version: string | null;
  session_uuid: string | null;
  received_at: string;
  clock_error_seconds: number | null;
}

interface HardwareChange {
  path: string;
  from: unknown;
  to: unknown;
  at: string;
}

/** One who does not see the past gets the fields of a machine in a list only. */
interface MachineDetails extends Machine {
  hardware: unknown;
  hardware_received_at: string | null;
  changes: HardwareChange[];
  sessions?: Session[];
}

interface UsedMachine {
  hostname: string | null;
  sessions: number;
  last: string;
}

interface Profile {
  days: { day: string; seconds: number }[];
  sessions: number;
  without_end: number;
}

/** One who does not see the past gets the name and where the user is only. */
interface UserDetails {
  username: string;
  now: Session[];
  last_seen?: string;
  machines?: UsedMachine[];
  sessions?: Session[];
  profile?: Profile;
}

interface HardwareRow {
  hostname: string;
  room: string | null;
  received_at: string;
  hardware_info: string;
}

/** A session as the past shows it. */
interface UserThen extends MachineUser {
  disconnected_at: string | null;
  ended_by: "client" | "auto" | "expired" | null;
  source_ip: string | null;
  at: string[];
}

interface MachineThen {
  hostname: string;
  room: string | null;
  state: State;
  users: UserThen[];
  last_user: string | null;
  last_contact: string | null;
  heard_since: boolean;
}

interface ChangeThen {
  at: string;
  username: string;
  hostname: string | null;
  room: string | null;
}

/** The answer of /api/v1/moment. */
interface MomentAnswer {
  now: string;
  at: string[];
  is_future: boolean;
  previous: string | null;
  next: string | null;
  rooms: Room[];
  machines: MachineThen[];
  came: { count: number; sessions: ChangeThen[] };
  left: { count: number; sessions: ChangeThen[] };
  history: string;
}
