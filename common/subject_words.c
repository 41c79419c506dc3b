/*
 * The words that subjects of web forms and of shops begin with, as presets of options
 * (subject_words.h).
 */
#include "subject_words.h"

/*
 * From the message catalogues of phpBB, SMF, XenForo, Discourse, WordPress, WooCommerce, Joomla, Drupal, PrestaShop,
 * Magento, MailPoet and Mailman, by language: English, German, French, Spanish, Italian, Dutch, Portuguese, Polish,
 * Turkish, Russian, Czech, Hungarian, Greek, Scandinavian, Japanese and Chinese.
 */
const char subject_words_preset[] =
	"{\"confirm\", \"verif\", \"validate your\", \"register\", \"subscri\", \"sign up\", \"sign-up\", "
	"\"your account\", \"new account\", \"user account\", \"account detail\", \"account has been\", "
	"\"welcome\", \"password\", \"passcode\", \"login detail\", \"log in\", \"one-time\", "
	"\"security code\", \"opt-in\", \"bestätig\", \"bestaetig\", \"aktivier\", \"freischalt\", "
	"\"anmeldung\", \"abonnement\", \"abonnier\", \"willkommen\", \"zugangsdat\", \"benutzerkont\", "
	"\"kundenkont\", \"dein konto\", \"ihr konto\", \"kontodat\", \"kontodetails\", \"passwort\", "
	"\"kennwort\", \"newsletter bestellen\", \"activez\", \"vérifi\", \"inscription\", \"inscrire\", "
	"\"inscrivez\", \"bienvenue\", \"votre compte\", \"nouveau compte\", \"mot de passe\", "
	"\"détails de connexion\", \"identifiant\", \"activa\", \"registr\", \"suscripci\", \"suscríb\", "
	"\"bienvenid\", \"tu cuenta\", \"su cuenta\", \"nueva cuenta\", \"contraseña\", "
	"\"detalles de acceso\", \"inscripci\", \"conferm\", \"attiva\", \"iscrizione\", \"iscriviti\", "
	"\"benvenut\", \"il tuo account\", \"dettagli dell'account\", \"bevestig\", \"activeer\", "
	"\"aanmelding\", \"inschrijving\", \"welkom\", \"je account\", \"uw account\", \"wachtwoord\", "
	"\"ative sua\", \"cadastro\", \"inscrição\", \"bem-vindo\", \"sua conta\", \"senha\", "
	"\"potwierd\", \"aktywuj\", \"aktywacj\", \"weryfikac\", \"rejestracj\", \"subskrypcj\", "
	"\"witamy\", \"twoje konto\", \"hasło\", \"onayla\", \"onay kodu\", \"doğrula\", "
	"\"etkinleştir\", \"aktivasyon\", \"abonelik\", \"aboneliğ\", \"hoş geldin\", \"hesabın\", "
	"\"yeni hesap\", \"parola\", \"şifre\", \"giriş bilgileri\", \"kayıt\", \"подтверди\", "
	"\"подтверждени\", \"активаци\", \"активируйте\", \"регистраци\", \"подписк\", "
	"\"добро пожаловать\", \"учётная запись\", \"учётной записи\", \"аккаунт\", \"пароль\", "
	"\"пароля\", \"данные для входа\", \"potvrd\", \"aktivac\", \"aktivujte\", \"vítejte\", "
	"\"váš účet\", \"heslo\", \"megerősít\", \"aktivál\", \"regisztráci\", \"üdvözöl\", \"jelszó\", "
	"\"επιβεβαί\", \"ενεργοποί\", \"εγγραφή\", \"καλώς ήρθ\", \"λογαριασμ\", \"κωδικ\", "
	"\"bekräfta\", \"välkommen\", \"ditt konto\", \"lösenord\", \"bekreft\", \"aktiver\", "
	"\"velkommen\", \"din konto\", \"adgangskode\", \"passord\", \"確認\", \"登録\", \"アカウント\", "
	"\"パスワード\", \"注册\", \"激活\", \"验证\", \"密码\"}";

const char trade_words_preset[] =
	"{\"order\", \"invoice\", \"receipt\", \"your purchase\", \"shipped\", \"shipment\", "
	"\"shipping\", \"delivery\", \"tracking\", \"payment\", \"refund\", \"booking\", "
	"\"your ticket\", \"quote\", \"quotation\", \"bestell\", \"rechnung\", \"auftrag\", "
	"\"lieferung\", \"lieferschein\", \"versand\", \"sendung\", \"zahlung\", \"gutschrift\", "
	"\"buchung\", \"reservierung\", \"ihre tickets\", \"angebot\", \"commande\", \"facture\", "
	"\"reçu\", \"expédi\", \"livraison\", \"paiement\", \"remboursement\", \"réservation\", "
	"\"devis\", \"pedido\", \"factura\", \"recibo\", \"enviado\", \"envío\", \"entrega\", \"pago\", "
	"\"reembolso\", \"reserva\", \"presupuesto\", \"ordine\", \"fattura\", \"ricevuta\", \"spedi\", "
	"\"consegna\", \"pagamento\", \"rimborso\", \"prenotazione\", \"preventivo\", \"factuur\", "
	"\"verzonden\", \"levering\", \"betaling\", \"boeking\", \"offerte\", \"encomenda\", \"fatura\", "
	"\"enviada\", \"orçamento\", \"zamówieni\", \"faktur\", \"wysłan\", \"przesyłk\", \"płatnoś\", "
	"\"rezerwacj\", \"oferta\", \"sipariş\", \"kargo\", \"teslimat\", \"ödeme\", \"rezervasyon\", "
	"\"teklif\", \"заказ\", \"счёт\", \"накладная\", \"отправлен\", \"доставк\", \"оплат\", "
	"\"бронирован\", \"objednávk\", \"zásilk\", \"rendelés\", \"számla\", \"szállítás\", "
	"\"παραγγελ\", \"τιμολόγ\", \"αποστολ\", \"beställning\", \"leverans\", \"ordre\", "
	"\"bestilling\", \"注文\", \"請求書\", \"发货\", \"订单\", \"发票\"}";

const char copy_words_preset[] =
	"{\"copy of\", \"copy:\", \"your copy\", \"kopie von\", \"kopie:\", \"kopie ihrer\", \"copie de\", "
	"\"copie:\", \"copia de\", \"copia di\", \"copia:\", \"kopie van\", \"kopia\", \"kopyası\", \"копия\", "
	"\"account details for\", \"your account details for\", \"welcome to\", \"kontodaten für\", "
	"\"kontodetails für\", \"benutzerkonto für\", \"zugangsdaten für\", \"willkommen auf\", "
	"\"willkommen bei\", \"willkommen im\", \"bienvenue sur\", \"bienvenido a\", \"benvenuto su\", "
	"\"dettagli dell'account\", \"welkom bij\", \"witamy na\", \"добро пожаловать на\"}";
