/*M!999999\- enable the sandbox mode */ 
INSERT INTO `clusterobjects` VALUES
(1,7,'node','0','{}');
INSERT INTO `genericobjects` VALUES
(1000,5,'token','0','{\"it\'s\": \"a token\"}');
INSERT INTO `internalrole` VALUES
('desk','1','Desk','it\'s the \\ desk','[]',NULL,'[{\"name\": \"people\'s\", \"path\": \"managed/user\", \"permissions\": [\"VIEW\", \"UPDATE\"], \"actions\": [], \"filter\": \"userName co \\\"o\'n\\\"\", \"accessFlags\": [{\"attribute\": \"userName\", \"readOnly\": true}, {\"attribute\": \"sn\", \"readOnly\": false}]}]'),
('openidm-admin','0','Admin',NULL,NULL,NULL,NULL);
INSERT INTO `internaluser` VALUES
('backup','0','x'),
('openidm-admin','0','x');
INSERT INTO `links` VALUES
('x','\0�\'\\\n\"','','\\');
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER noisy BEFORE DELETE ON links FOR EACH ROW SET @a = 'it''s; -- no' 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;
INSERT INTO `managedobjects` VALUES
(1,2,'chief','3','{\"_id\": \"chief\", \"_rev\": \"3\", \"name\": \"Chief\'s \\\\ \\\"role\\\"\", \"description\": \"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no newline \\\\\' \\\\\\\" \'\' \\\"\\\"\"}'),
(2,1,'plain','1','{\"_id\": \"plain\", \"_rev\": \"1\", \"userName\": \"user0\", \"givenName\": \"G\", \"sn\": \"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no newline \\\\\' \\\\\\\" \'\' \\\"\\\"\", \"mail\": \"user0@example.test\", \"accountStatus\": \"active\", \"description\": \"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no newline \\\\\' \\\\\\\" \'\' \\\"\\\"\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no newline \\\\\' \\\\\\\" \'\' \\\"\\\"\", {\"in\": \"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no newline \\\\\' \\\\\\\" \'\' \\\"\\\"\"}], \"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(3,1,'o\'neil','2','{\"_id\": \"o\'neil\", \"_rev\": \"2\", \"userName\": \"user1\", \"givenName\": \"G\", \"sn\": \"line one\\nline two\\r\\nline three\\ttab\\n\\\\.\\n\\\\N\\nCOPY managedobjects (id) FROM stdin;\\n\", \"mail\": \"user1@example.test\", \"accountStatus\": \"active\", \"description\": \"line one\\nline two\\r\\nline three\\ttab\\n\\\\.\\n\\\\N\\nCOPY managedobjects (id) FROM stdin;\\n\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"line one\\nline two\\r\\nline three\\ttab\\n\\\\.\\n\\\\N\\nCOPY managedobjects (id) FROM stdin;\\n\", {\"in\": \"line one\\nline two\\r\\nline three\\ttab\\n\\\\.\\n\\\\N\\nCOPY managedobjects (id) FROM stdin;\\n\"}], \"line one line two  line three tab \\\\. \\\\N \": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(4,1,'back\\slash','3','{\"_id\": \"back\\\\slash\", \"_rev\": \"3\", \"userName\": \"user2\", \"givenName\": \"G\", \"sn\": \"\\\\N\", \"mail\": \"user2@example.test\", \"accountStatus\": \"active\", \"description\": \"\\\\N\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"\\\\N\", {\"in\": \"\\\\N\"}], \"\\\\N\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(5,1,'quo\"te','4','{\"_id\": \"quo\\\"te\", \"_rev\": \"4\", \"userName\": \"user3\", \"givenName\": \"G\", \"sn\": \"E\'x\\\\n\' $$ body $$ $tag$ \' $tag$ $1 $.path\", \"mail\": \"user3@example.test\", \"accountStatus\": \"active\", \"description\": \"E\'x\\\\n\' $$ body $$ $tag$ \' $tag$ $1 $.path\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"E\'x\\\\n\' $$ body $$ $tag$ \' $tag$ $1 $.path\", {\"in\": \"E\'x\\\\n\' $$ body $$ $tag$ \' $tag$ $1 $.path\"}], \"E\'x\\\\n\' $$ body $$ $tag$ \' $tag$ $1 $.pat\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(6,1,'ünïcode-🦀','5','{\"_id\": \"ünïcode-🦀\", \"_rev\": \"5\", \"userName\": \"user4\", \"givenName\": \"G\", \"sn\": \"; -- no comment\\n# none\\n/* none */ /*!40101 none */ \\\\restrict\", \"mail\": \"user4@example.test\", \"accountStatus\": \"active\", \"description\": \"; -- no comment\\n# none\\n/* none */ /*!40101 none */ \\\\restrict\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"; -- no comment\\n# none\\n/* none */ /*!40101 none */ \\\\restrict\", {\"in\": \"; -- no comment\\n# none\\n/* none */ /*!40101 none */ \\\\restrict\"}], \"; -- no comment # none /* none */ /*!401\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(7,1,'semi;colon','6','{\"_id\": \"semi;colon\", \"_rev\": \"6\", \"userName\": \"user5\", \"givenName\": \"G\", \"sn\": \"Grüße, ひらがな 🦀     é ﻿\", \"mail\": \"user5@example.test\", \"accountStatus\": \"active\", \"description\": \"Grüße, ひらがな 🦀     é ﻿\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"Grüße, ひらがな 🦀     é ﻿\", {\"in\": \"Grüße, ひらがな 🦀     é ﻿\"}], \"Grüße, ひらがな 🦀     é ﻿\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(8,1,'a,b)(c','7','{\"_id\": \"a,b)(c\", \"_rev\": \"7\", \"userName\": \"user6\", \"givenName\": \"G\", \"sn\": \"INSERT INTO `managedobjects` VALUES (1,1,\'x\',\'0\',\'{}\');\", \"mail\": \"user6@example.test\", \"accountStatus\": \"active\", \"description\": \"INSERT INTO `managedobjects` VALUES (1,1,\'x\',\'0\',\'{}\');\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"INSERT INTO `managedobjects` VALUES (1,1,\'x\',\'0\',\'{}\');\", {\"in\": \"INSERT INTO `managedobjects` VALUES (1,1,\'x\',\'0\',\'{}\');\"}], \"INSERT INTO `managedobjects` VALUES (1,1\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(9,1,'$$','8','{\"_id\": \"$$\", \"_rev\": \"8\", \"userName\": \"user7\", \"givenName\": \"G\", \"sn\": \"%s \\\\% \\\\_ {\\\"json\\\": \\\"inside\\\", \\\"a\\\": [1, 2]} <&> 0x41 _binary X\'41\' b\'1\'\", \"mail\": \"user7@example.test\", \"accountStatus\": \"active\", \"description\": \"%s \\\\% \\\\_ {\\\"json\\\": \\\"inside\\\", \\\"a\\\": [1, 2]} <&> 0x41 _binary X\'41\' b\'1\'\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"%s \\\\% \\\\_ {\\\"json\\\": \\\"inside\\\", \\\"a\\\": [1, 2]} <&> 0x41 _binary X\'41\' b\'1\'\", {\"in\": \"%s \\\\% \\\\_ {\\\"json\\\": \\\"inside\\\", \\\"a\\\": [1, 2]} <&> 0x41 _binary X\'41\' b\'1\'\"}], \"%s \\\\% \\\\_ {\\\"json\\\": \\\"inside\\\", \\\"a\\\": [1, 2]}\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}'),
(10,1,'N','9','{\"_id\": \"N\", \"_rev\": \"9\", \"userName\": \"user8\", \"givenName\": \"G\", \"sn\": \"\\\\u0000 \\\\x41 \\\\101 \\\\t \\\\b \\\\f \\\\Z \\\\0 \\\\\", \"mail\": \"user8@example.test\", \"accountStatus\": \"active\", \"description\": \"\\\\u0000 \\\\x41 \\\\101 \\\\t \\\\b \\\\f \\\\Z \\\\0 \\\\\", \"password\": {\"$crypto\": {\"type\": \"salted-hash\", \"value\": {\"algorithm\": \"SHA-1\", \"data\": \"jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P\"}}}, \"deep\": {\"list\": [\"\\\\u0000 \\\\x41 \\\\101 \\\\t \\\\b \\\\f \\\\Z \\\\0 \\\\\", {\"in\": \"\\\\u0000 \\\\x41 \\\\101 \\\\t \\\\b \\\\f \\\\Z \\\\0 \\\\\"}], \"\\\\u0000 \\\\x41 \\\\101 \\\\t \\\\b \\\\f \\\\Z \\\\0 \\\\\": 1, \"number\": -1.5, \"yes\": true, \"none\": null}}');
INSERT INTO `metaobjects` VALUES
(1,3,'meta of plain','0','{\"loginCount\": 1, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(2,3,'meta of back\\slash','0','{\"loginCount\": 3, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(3,3,'meta of ünïcode-🦀','0','{\"loginCount\": 5, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(4,3,'meta of a,b)(c','0','{\"loginCount\": 7, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(5,3,'meta of N','0','{\"loginCount\": 9, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}');
INSERT INTO `notificationobjects` VALUES
(1,6,'note','0','{}');
INSERT INTO `objecttypes` VALUES
(7,'cluster/states'),
(6,'internal/notification'),
(3,'internal/usermeta'),
(5,'jsonstorage'),
(2,'managed/role'),
(1,'managed/user'),
(4,'relationships');
INSERT INTO `relationships` VALUES
(1,4,'r','0','{\"properties\": {}}','managed/user','plain','_notifications','internal/notification','note',NULL),
(2,4,'r','0','{\"properties\": {}}','managed/user','plain','_meta','internal/usermeta','meta of plain',NULL),
(3,4,'r','0','{\"properties\": {\"_grantType\": \"\", \"note\": \"it\'s \\\"quoted\\\" `back` \\\\ back\\\\\\\\slash \\\\n no newline \\\\\' \\\\\\\" \'\' \\\"\\\"\"}}','managed/user','plain','roles','managed/role','chief','members'),
(4,4,'r','0','{\"properties\": {}}','managed/user','o\'neil','manager','managed/user','plain','reports'),
(5,4,'r','0','{\"properties\": {}}','managed/user','o\'neil','authzRoles','internal/role','desk','authzMembers'),
(6,4,'r','0','{\"properties\": {}}','managed/user','o\'neil','authzRoles','internal/role','openidm-authorized','authzMembers'),
(7,4,'r','0','{\"properties\": {}}','managed/user','back\\slash','_meta','internal/usermeta','meta of back\\slash',NULL),
(8,4,'r','0','{\"properties\": {}}','managed/user','back\\slash','manager','managed/user','o\'neil','reports'),
(9,4,'r','0','{\"properties\": {}}','managed/user','quo\"te','manager','managed/user','back\\slash','reports'),
(10,4,'r','0','{\"properties\": {\"_grantType\": \"\", \"note\": \"E\'x\\\\n\' $$ body $$ $tag$ \' $tag$ $1 $.path\"}}','managed/user','quo\"te','roles','managed/role','chief','members'),
(11,4,'r','0','{\"properties\": {}}','managed/user','ünïcode-🦀','_meta','internal/usermeta','meta of ünïcode-🦀',NULL),
(12,4,'r','0','{\"properties\": {}}','managed/user','ünïcode-🦀','manager','managed/user','quo\"te','reports'),
(13,4,'r','0','{\"properties\": {}}','managed/user','semi;colon','manager','managed/user','ünïcode-🦀','reports'),
(14,4,'r','0','{\"properties\": {}}','managed/user','a,b)(c','_meta','internal/usermeta','meta of a,b)(c',NULL),
(15,4,'r','0','{\"properties\": {}}','managed/user','a,b)(c','manager','managed/user','semi;colon','reports'),
(16,4,'r','0','{\"properties\": {\"_grantType\": \"\", \"note\": \"INSERT INTO `managedobjects` VALUES (1,1,\'x\',\'0\',\'{}\');\"}}','managed/user','a,b)(c','roles','managed/role','chief','members'),
(17,4,'r','0','{\"properties\": {}}','managed/user','$$','manager','managed/user','a,b)(c','reports'),
(18,4,'r','0','{\"properties\": {}}','managed/user','N','_meta','internal/usermeta','meta of N',NULL),
(19,4,'r','0','{\"properties\": {}}','managed/user','N','manager','managed/user','$$','reports');
