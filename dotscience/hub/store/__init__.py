"""SQL of the Hub's own tables: accounts, projects, records, what is in flight. No rules, no HTTP."""
