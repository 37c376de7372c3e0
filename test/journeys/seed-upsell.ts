/** The upsell as the older documentation shows it, word for word: the oldest template that must still be taken. */
export const seedUpsell: Record<string, unknown> = {
  id: 'custom_upsell',
  name: 'Service Upsell Journey',
  description: 'Upsell existing customers to higher service tiers',
  category: 'retention',
  steps: [
    {
      id: 'analyze_usage',
      name: 'Analyze Usage Patterns',
      stage: 'active_service',
      order: 1,
      type: 'automated',
      estimatedDuration: 30,
    },
    {
      id: 'generate_recommendation',
      name: 'Generate Upsell Recommendation',
      stage: 'active_service',
      order: 2,
      type: 'automated',
      estimatedDuration: 15,
    },
    {
      id: 'contact_customer',
      name: 'Contact Customer',
      stage: 'active_service',
      order: 3,
      type: 'manual',
      estimatedDuration: 45,
    },
  ],
  triggers: [
    {
      id: 'usage_threshold_trigger',
      name: 'High Usage Detected',
      type: 'conditional',
      conditions: [{ field: 'monthlyUsage', operator: 'greater_than', value: 80 }],
    },
  ],
};
