/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: openidm
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `clusterobjects`
--

DROP TABLE IF EXISTS `clusterobjects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `clusterobjects` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttypes_id` bigint(20) unsigned NOT NULL,
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `fullobject` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `idx-clusterobjects_object` (`objecttypes_id`,`objectid`),
  CONSTRAINT `fk_clusterobjects` FOREIGN KEY (`objecttypes_id`) REFERENCES `objecttypes` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `clusterobjects`
--

LOCK TABLES `clusterobjects` WRITE;
/*!40000 ALTER TABLE `clusterobjects` DISABLE KEYS */;
INSERT INTO `clusterobjects` VALUES
(1,7,'node','0','{}');
/*!40000 ALTER TABLE `clusterobjects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary table structure for view `deep`
--

DROP TABLE IF EXISTS `deep`;
/*!50001 DROP VIEW IF EXISTS `deep`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW `deep` AS SELECT
 NULL AS `objectid`,
 NULL AS `one` */;
SET character_set_client = @saved_cs_client;

--
-- Table structure for table `genericobjects`
--

DROP TABLE IF EXISTS `genericobjects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `genericobjects` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttypes_id` bigint(20) unsigned NOT NULL,
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `fullobject` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `idx-genericobjects_object` (`objecttypes_id`,`objectid`),
  CONSTRAINT `fk_genericobjects` FOREIGN KEY (`objecttypes_id`) REFERENCES `objecttypes` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB AUTO_INCREMENT=1001 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `genericobjects`
--

LOCK TABLES `genericobjects` WRITE;
/*!40000 ALTER TABLE `genericobjects` DISABLE KEYS */;
INSERT INTO `genericobjects` VALUES
(1000,5,'token','0','{\"it\'s\": \"a token\"}');
/*!40000 ALTER TABLE `genericobjects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `internalrole`
--

DROP TABLE IF EXISTS `internalrole`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `internalrole` (
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `name` varchar(64) DEFAULT NULL,
  `description` varchar(510) DEFAULT NULL,
  `temporalConstraints` varchar(1024) DEFAULT NULL,
  `conditional` varchar(1024) DEFAULT NULL,
  `privs` mediumtext DEFAULT NULL,
  PRIMARY KEY (`objectid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `internalrole`
--

LOCK TABLES `internalrole` WRITE;
/*!40000 ALTER TABLE `internalrole` DISABLE KEYS */;
INSERT INTO `internalrole` VALUES
('desk','1','Desk','it\'s the \\ desk','[]',NULL,'[{\"name\": \"people\'s\", \"path\": \"managed/user\", \"permissions\": [\"VIEW\", \"UPDATE\"], \"actions\": [], \"filter\": \"userName co \\\"o\'n\\\"\", \"accessFlags\": [{\"attribute\": \"userName\", \"readOnly\": true}, {\"attribute\": \"sn\", \"readOnly\": false}]}]'),
('openidm-admin','0','Admin',NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `internalrole` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `internaluser`
--

DROP TABLE IF EXISTS `internaluser`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `internaluser` (
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `pwd` varchar(510) DEFAULT NULL,
  PRIMARY KEY (`objectid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `internaluser`
--

LOCK TABLES `internaluser` WRITE;
/*!40000 ALTER TABLE `internaluser` DISABLE KEYS */;
INSERT INTO `internaluser` VALUES
('backup','0','x'),
('openidm-admin','0','x');
/*!40000 ALTER TABLE `internaluser` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `links`
--

DROP TABLE IF EXISTS `links`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `links` (
  `objectid` varchar(38) DEFAULT NULL,
  `mixed` blob DEFAULT NULL,
  `flag` bit(3) DEFAULT NULL,
  `t` text DEFAULT 'it\'s; (a)' COMMENT 'none; #'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `links`
--

LOCK TABLES `links` WRITE;
/*!40000 ALTER TABLE `links` DISABLE KEYS */;
INSERT INTO `links` VALUES
('x','\0�\'\\\n\"','','\\');
/*!40000 ALTER TABLE `links` ENABLE KEYS */;
UNLOCK TABLES;
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

--
-- Table structure for table `managedobjects`
--

DROP TABLE IF EXISTS `managedobjects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `managedobjects` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttypes_id` bigint(20) unsigned NOT NULL,
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `fullobject` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `idx-managedobjects_object` (`objecttypes_id`,`objectid`),
  CONSTRAINT `fk_managedobjects` FOREIGN KEY (`objecttypes_id`) REFERENCES `objecttypes` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB AUTO_INCREMENT=11 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `managedobjects`
--

LOCK TABLES `managedobjects` WRITE;
/*!40000 ALTER TABLE `managedobjects` DISABLE KEYS */;
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
/*!40000 ALTER TABLE `managedobjects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `metaobjects`
--

DROP TABLE IF EXISTS `metaobjects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `metaobjects` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttypes_id` bigint(20) unsigned NOT NULL,
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `fullobject` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `idx-metaobjects_object` (`objecttypes_id`,`objectid`),
  CONSTRAINT `fk_metaobjects` FOREIGN KEY (`objecttypes_id`) REFERENCES `objecttypes` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `metaobjects`
--

LOCK TABLES `metaobjects` WRITE;
/*!40000 ALTER TABLE `metaobjects` DISABLE KEYS */;
INSERT INTO `metaobjects` VALUES
(1,3,'meta of plain','0','{\"loginCount\": 1, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(2,3,'meta of back\\slash','0','{\"loginCount\": 3, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(3,3,'meta of ünïcode-🦀','0','{\"loginCount\": 5, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(4,3,'meta of a,b)(c','0','{\"loginCount\": 7, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}'),
(5,3,'meta of N','0','{\"loginCount\": 9, \"lastLogin\": \"2024-05-06T07:08:09.123Z\", \"createDate\": \"2020-01-01T00:00:00Z\"}');
/*!40000 ALTER TABLE `metaobjects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `notificationobjects`
--

DROP TABLE IF EXISTS `notificationobjects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `notificationobjects` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttypes_id` bigint(20) unsigned NOT NULL,
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `fullobject` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `idx-notificationobjects_object` (`objecttypes_id`,`objectid`),
  CONSTRAINT `fk_notificationobjects` FOREIGN KEY (`objecttypes_id`) REFERENCES `objecttypes` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `notificationobjects`
--

LOCK TABLES `notificationobjects` WRITE;
/*!40000 ALTER TABLE `notificationobjects` DISABLE KEYS */;
INSERT INTO `notificationobjects` VALUES
(1,6,'note','0','{}');
/*!40000 ALTER TABLE `notificationobjects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `objecttypes`
--

DROP TABLE IF EXISTS `objecttypes`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `objecttypes` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttype` varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `idx_objecttypes_objecttype` (`objecttype`)
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `objecttypes`
--

LOCK TABLES `objecttypes` WRITE;
/*!40000 ALTER TABLE `objecttypes` DISABLE KEYS */;
INSERT INTO `objecttypes` VALUES
(7,'cluster/states'),
(6,'internal/notification'),
(3,'internal/usermeta'),
(5,'jsonstorage'),
(2,'managed/role'),
(1,'managed/user'),
(4,'relationships');
/*!40000 ALTER TABLE `objecttypes` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `relationships`
--

DROP TABLE IF EXISTS `relationships`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `relationships` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `objecttypes_id` bigint(20) unsigned NOT NULL,
  `objectid` varchar(255) NOT NULL,
  `rev` varchar(38) NOT NULL,
  `fullobject` mediumtext DEFAULT NULL,
  `firstresourcecollection` varchar(255) DEFAULT NULL,
  `firstresourceid` varchar(56) DEFAULT NULL,
  `firstpropertyname` varchar(100) DEFAULT NULL,
  `secondresourcecollection` varchar(255) DEFAULT NULL,
  `secondresourceid` varchar(56) DEFAULT NULL,
  `secondpropertyname` varchar(100) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=20 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `relationships`
--

LOCK TABLES `relationships` WRITE;
/*!40000 ALTER TABLE `relationships` DISABLE KEYS */;
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
/*!40000 ALTER TABLE `relationships` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Final view structure for view `deep`
--

/*!50001 DROP VIEW IF EXISTS `deep`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET @saved_cs_results         = @@character_set_results */;
/*!50001 SET @saved_col_connection     = @@collation_connection */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 SET character_set_results     = utf8mb4 */;
/*!50001 SET collation_connection      = utf8mb4_general_ci */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `deep` AS select `managedobjects`.`objectid` AS `objectid`,'; it\'s' AS `one` from `managedobjects` */;
/*!50001 SET character_set_client      = @saved_cs_client */;
/*!50001 SET character_set_results     = @saved_cs_results */;
/*!50001 SET collation_connection      = @saved_col_connection */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed
