ALTER TABLE {database:Identifier}.{table:Identifier} DROP PARTITION ID {partition:String}
