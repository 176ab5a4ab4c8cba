// version_rules
