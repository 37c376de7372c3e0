/** What is told of a clock, an escalation, a notice. Source: sla.md, section 7. */
export type SlaEventType =
  | 'sla.activated'
  | 'sla.paused'
  | 'sla.resumed'
  | 'sla.retargeted'
  | 'sla.recalendared'
  | 'sla.warned'
  | 'sla.breached'
  | 'sla.fulfilled'
  | 'sla.cancelled'
  | 'sla.waived'
  | 'sla.escalated'
  | 'sla.acknowledged'
  | 'sla.collapsed';
